/// A lane: one site, reached from one source.
struct LaneKey: Hashable, Sendable, CustomStringConvertible {
    let site: String
    let source: String

    var description: String { "\(site) from \(source)" }
}
