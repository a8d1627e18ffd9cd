/// A lane: one site, reached from one source, by the rules of one route.
struct LaneKey: Hashable, Sendable, CustomStringConvertible {
    let site: String
    let source: String
    /// Mail by different routes shares no connection: one may demand TLS, the other not.
    var route = 0

    var description: String { "\(site) from \(source)" }
}
