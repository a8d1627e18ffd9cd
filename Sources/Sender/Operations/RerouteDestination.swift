import NodeRuntime
package import Spool

/// Where `queue reroute` sends messages: another pool, other hosts, or both.
package struct RerouteDestination: Sendable {
    package struct Problem: Error {
        /// Begins with the parameter, `pool` or `relay`.
        package let text: String
    }

    private let pool: String?
    private let relay: String?

    /// - Parameters:
    ///   - relay: Hosts as `relay` of a route names them, separated by commas; empty for the routes.
    ///   - pools: Those that are configured; `nil` where that is not known yet.
    package init(pool: String?, relay: String?, pools: [String]?) throws(Problem) {
        guard pool != nil || relay != nil else { throw Problem(text: "pool or to-relay: give at least one of them") }
        if let pool, let pools, !pools.contains(pool) {
            throw Problem(text: "pool: \(pool) is no pool; configured are \(pools.joined(separator: ", "))")
        }
        if let relay, !relay.isEmpty {
            do throws(Refusal) {
                _ = try HostPort.list(relay)
            } catch {
                throw Problem(text: "relay: \(relay) \(error.reason)")
            }
        }
        (self.pool, self.relay) = (pool, relay)
    }

    package func apply(to command: inout QueueCommand) { (command.pool, command.relay) = (pool, relay) }
}
