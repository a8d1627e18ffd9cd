internal import Glibc
package import Logging
package import ServiceLifecycle
internal import Synchronization

/// Runs the services of a node until a signal or a failure ends it.
///
/// The first signal stops them one after the other, the last added first: add the spool before the sender and the sender
/// before ingress. The second one cancels them all at once; a third ends the process.
package struct NodeRunner {
    private var services: [ServiceGroupConfiguration.ServiceConfiguration] = []
    private let health: NodeHealth
    private let logger: Logger
    private let stopLimit: Duration
    private let notifier: SystemdNotifier

    /// - Parameter stopLimit: After so long, a graceful stop becomes an immediate one.
    package init(health: NodeHealth, logger: Logger, stopLimit: Duration = .seconds(90)) {
        self.init(health: health, logger: logger, stopLimit: stopLimit, notifier: SystemdNotifier())
    }

    package init(health: NodeHealth, logger: Logger, stopLimit: Duration, notifier: SystemdNotifier) {
        (self.health, self.logger, self.stopLimit, self.notifier) = (health, logger, stopLimit, notifier)
    }

    /// Adds a service. Its end before a stop was asked for stops the node; an error of it ends `run` with that error.
    package mutating func add(_ service: any Service, name: String) {
        services.append(
            ServiceGroupConfiguration.ServiceConfiguration(
                service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                failureTerminationBehavior: .gracefullyShutdownGroup, serviceName: name))
    }

    package enum End: Equatable, Sendable {
        case stopped
        /// By a second signal, or because the stop took longer than allowed.
        case cancelled
    }

    /// - Parameter signals: Each element is one signal that asks for the end.
    /// - Throws: The error of the service that failed first.
    package func run(
        signals: AsyncStream<Int32> = ProcessSignals.termination(),
        terminate: @escaping @Sendable () -> Void = { _exit(1) }
    ) async throws -> End {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        var configuration = ServiceGroupConfiguration(services: services, logger: quiet)
        configuration.maximumGracefulShutdownDuration = stopLimit
        let group = ServiceGroup(configuration: configuration)
        health.whenReady { [notifier] in notifier.ready() }
        let wasCancelled = Mutex(false)
        let running = Task { try await group.run() }
        let watching = Task { [logger, notifier] in
            var count = 0
            for await signal in signals {
                count += 1
                let metadata: Logger.Metadata = [LogKey.signal: "\(signal)"]
                switch count {
                case 1:
                    logger.notice("stopping", metadata: metadata)
                    notifier.stopping()
                    await group.triggerGracefulShutdown()
                case 2:
                    logger.warning("stopping at once", metadata: metadata)
                    wasCancelled.withLock { $0 = true }
                    running.cancel()
                default: terminate()
                }
            }
        }
        defer { watching.cancel() }
        do {
            try await withTaskCancellationHandler {
                try await running.value
            } onCancel: {
                running.cancel()
            }
        } catch is CancellationError {
            return .cancelled
        } catch  where wasCancelled.withLock({ $0 }) {
            return .cancelled
        }
        return wasCancelled.withLock { $0 } ? .cancelled : .stopped
    }
}
