internal import Synchronization

/// Octets of content in memory between the socket and the answer to the final dot, over all connections that share it.
package final class ContentGauge: Sendable {
    /// From here on MAIL is answered with 452.
    package let limit: Int
    private let octets = Atomic<Int>(0)

    package init(limit: Int) { self.limit = limit }

    package var current: Int { octets.load(ordering: .relaxed) }
    var isFull: Bool { current >= limit }
    /// A quarter beyond the limit even content that is coming in is given up.
    var isOverfull: Bool { current >= limit + limit / 4 }

    package func add(_ count: Int) { octets.wrappingAdd(count, ordering: .relaxed) }
}
