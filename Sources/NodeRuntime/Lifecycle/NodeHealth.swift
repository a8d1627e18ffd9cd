internal import Synchronization

/// How the parts of a node are; what `/healthz` and `/readyz` answer.
package final class NodeHealth: Sendable {
    package enum State: String, Sendable, Encodable {
        case starting, ready
        /// Ends what it began and takes nothing new.
        case draining
        case stopped
        /// Does not do its work, and will not by itself.
        case failed
    }

    package struct Report: Sendable, Encodable, Equatable {
        package struct Component: Sendable, Encodable, Equatable {
            package var state: State
            package var reason: String?
        }

        package var components: [String: Component]

        package var isHealthy: Bool { !components.values.contains { $0.state == .failed } }
        /// Every part is ready; a node of no parts is not.
        package var isReady: Bool { !components.isEmpty && components.values.allSatisfy { $0.state == .ready } }

        private enum CodingKeys: String, CodingKey { case healthy, ready, components }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(isHealthy, forKey: .healthy)
            try container.encode(isReady, forKey: .ready)
            try container.encode(components, forKey: .components)
        }
    }

    private struct Contents {
        var components: [String: Report.Component] = [:]
        var wasReady = false
        var onReady: [@Sendable () -> Void] = []
    }

    private let contents = Mutex(Contents())

    package init() {}

    /// Tells how a part is. The names are those of the node's services: `spool`, `sender`, `ingress`.
    package func set(_ component: String, _ state: State, reason: String? = nil) {
        let actions = contents.withLock { contents -> [@Sendable () -> Void] in
            contents.components[component] = Report.Component(state: state, reason: reason)
            guard !contents.wasReady, Report(components: contents.components).isReady else { return [] }
            contents.wasReady = true
            defer { contents.onReady = [] }
            return contents.onReady
        }
        for action in actions { action() }
    }

    package var report: Report { Report(components: contents.withLock { $0.components }) }

    /// Calls once, when all parts are ready for the first time; at once if they were.
    package func whenReady(_ action: @escaping @Sendable () -> Void) {
        let isReady = contents.withLock { contents in
            if !contents.wasReady { contents.onReady.append(action) }
            return contents.wasReady
        }
        if isReady { action() }
    }
}
