package import Logging
internal import ServiceLifecycle
internal import Synchronization

/// A part of the node that can go on with another configuration.
package protocol Reconfigurable: Sendable {
    /// Makes ready what may fail, as certificates and addresses; nothing changes yet.
    ///
    /// - Returns: Puts the new configuration into force; called once all parts are ready.
    func prepare(_ configuration: NodeConfiguration) async throws -> @Sendable () async -> Void
}

/// What became of a reload.
package struct ReloadAnswer: Encodable, Equatable, Sendable {
    /// Keys whose new value waits for the next start.
    package var needsRestart: [String]

    enum CodingKeys: String, CodingKey { case needsRestart = "needs_restart" }
}

/// Reads the configuration again on SIGHUP and when asked, and gives it to all parts of the node or to none.
///
/// A file that is wrong changes nothing. Sessions and attempts under way end as they began.
package final class ReloadService: Service {
    private let load: @Sendable () throws(ConfigurationError) -> NodeConfiguration
    private let current: Mutex<NodeConfiguration>
    private let parts = Mutex<[any Reconfigurable]>([])
    private let turn = AsyncTurn()
    private let logger: Logger
    private let signals: AsyncStream<Int32>

    /// - Parameters:
    ///   - signals: Each element asks for a reload.
    ///   - load: Reads the file that the node was started with.
    package init(
        _ configuration: NodeConfiguration, logger: Logger, signals: AsyncStream<Int32>,
        load: @escaping @Sendable () throws(ConfigurationError) -> NodeConfiguration
    ) {
        current = Mutex(configuration)
        self.logger = logger
        self.signals = signals
        self.load = load
    }

    /// Parts are prepared in the order they were added.
    package func add(_ part: any Reconfigurable) { parts.withLock { $0.append(part) } }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in self.signals {
                // What is wrong was logged; the node goes on as it was.
                _ = try? await self.reload()
            }
        }
    }

    /// - Throws: What is wrong with the file, or the error of the part that cannot use it. Nothing was changed then.
    package func reload() async throws -> ReloadAnswer {
        try await turn.take {
            do {
                let answer = try await self.apply(self.load())
                self.logger.notice(
                    "configuration reloaded",
                    metadata: answer.needsRestart.isEmpty
                        ? [:] : ["needs_restart": "\(answer.needsRestart.joined(separator: " "))"])
                return answer
            } catch {
                self.logger.error("configuration not reloaded", metadata: [LogKey.error: "\(error)"])
                throw error
            }
        }
    }

    private func apply(_ file: NodeConfiguration) async throws -> ReloadAnswer {
        let (new, needsRestart) = file.keepingFixedKeys(of: current.withLock { $0 })
        var changes: [@Sendable () async -> Void] = []
        for part in parts.withLock({ $0 }) { changes.append(try await part.prepare(new)) }
        for change in changes { await change() }
        LogConfiguration.setLevel(new.log.level)
        current.withLock { $0 = new }
        return ReloadAnswer(needsRestart: needsRestart)
    }

    /// The admin API's door to it.
    package var routes: [AdminRoute] {
        [
            AdminRoute(.post, "/admin/v1/reload") { [self] _ in
                do {
                    return try .json(try await reload())
                } catch {
                    throw AdminProblem(status: 422, title: "Configuration not reloaded", detail: "\(error)")
                }
            }
        ]
    }
}

/// Lets one through at a time, in no promised order.
private actor AsyncTurn {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take<R: Sendable>(_ body: @Sendable () async throws -> R) async rethrows -> R {
        if isTaken { await withCheckedContinuation { waiting.append($0) } }
        isTaken = true
        defer {
            if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
        }
        return try await body()
    }
}

extension NodeConfiguration {
    /// What is fixed while a node runs keeps its value.
    ///
    /// - Returns: The configuration to go on with, and the keys whose new values wait for the next start.
    func keepingFixedKeys(of running: NodeConfiguration) -> (NodeConfiguration, needsRestart: [String]) {
        var new = self
        var names: [String] = []
        func keep<Value: Equatable>(_ name: String, _ member: WritableKeyPath<NodeConfiguration, Value>) {
            guard new[keyPath: member] != running[keyPath: member] else { return }
            names.append(name)
            new[keyPath: member] = running[keyPath: member]
        }
        keep("node", \.node)
        keep("event_loops", \.eventLoops)
        keep("spool", \.spool)
        keep("dns", \.dns)
        keep("http", \.http)
        keep("log.format", \.log.format)
        keep("ingress.memory", \.ingress.memory)
        return (new, names)
    }
}
