package import DNSClient
import DeliveryPolicy
package import Logging
import MailModel
package import NIOCore
package import NodeRuntime
import ServiceLifecycle
package import Spool
import Synchronization

/// The sender role: takes mail from the spool and delivers it, until it is told to stop.
///
/// It joins the group of senders, hands what it is assigned to its `Dispatcher`, and follows operators' commands.
package final class SenderService: Service {
    package static let group = "sender"

    let configuration: NodeConfiguration
    let spool: any Spool
    package let gauge: UncommittedGauge
    let metrics: SenderMetrics
    let logger: Logger
    let groups: [LaneGroup]
    let suppressions = SuppressionBook()
    let watches: SessionWatches
    /// For those who ask; lanes have their own.
    let tags: Mutex<TraceTags>
    private let loops: [any EventLoop]
    private let resolver: Resolver
    private let state = Mutex(State())

    private struct State {
        var dispatcher: Dispatcher?
        var fatal: SpoolError?
    }

    /// - Parameters:
    ///   - resolver: Closed by its owner, after the service has ended.
    ///   - ready: Called when partitions were assigned and their mail flows.
    package init(
        _ configuration: NodeConfiguration, spool: any Spool, resolver: Resolver, loops: any EventLoopGroup,
        metrics registry: MetricsRegistry, logger: Logger, ready: @escaping @Sendable () -> Void = {}
    ) {
        self.ready = ready
        self.configuration = configuration
        self.spool = spool
        self.resolver = resolver
        self.logger = logger
        self.loops = Array(loops.makeIterator())
        gauge = UncommittedGauge(limit: configuration.sender.maxUncommitted)
        metrics = SenderMetrics(registry: registry)
        let settings = LaneGroup.Settings(configuration.sender)
        tags = Mutex(settings.tags)
        let holder = DispatcherHolder()
        let limits = PatternLimitLog(configuration.sender.bounces, metrics: metrics, logger: logger)
        groups = self.loops.map { [gauge, suppressions] loop in
            LaneGroup(
                loop: loop, settings: settings, gauge: gauge, bounces: BounceClassifier(limits),
                suppressions: suppressions, logger: logger
            ) { news in holder.dispatcher?.tell(news) }
        }
        self.holder = holder
        watches = SessionWatches(groups)
        observe(registry)
    }

    private let holder: DispatcherHolder
    private let ready: @Sendable () -> Void
    var current: Dispatcher? { state.withLock { $0.dispatcher } }

    package func run() async throws {
        try await loadSuppressions()
        let subscription = try await spool.join(group: Self.group, topic: .mail)
        let dispatcher = try makeDispatcher(subscription)
        holder.dispatcher = dispatcher
        state.withLock { $0.dispatcher = dispatcher }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await self.followCommands(dispatcher) }
            tasks.addTask { await self.sweepSuppressions() }
            tasks.addTask { await self.stopWhenAsked(subscription, dispatcher) }
            // Its end is that of the membership, asked for or not; the others end with it.
            try await self.follow(subscription, dispatcher)
            tasks.cancelAll()
        }
        watches.stop()
        if let fatal = state.withLock({ $0.fatal }) { throw fatal }
    }

    private func makeDispatcher(_ subscription: any Subscription) throws -> Dispatcher {
        let loop = loops[0]
        return Dispatcher(
            loop: loop, settings: .init(configuration), spool: spool, subscription: subscription,
            router: try router(configuration),
            sites: SiteDirectory(resolver: resolver, loop: loop), pools: try SourcePools(configuration.sender),
            groups: groups, gauge: gauge, retry: RetryPolicy(configuration.sender.retry),
            suppressions: suppressions, metrics: metrics, logger: logger
        ) { [self] error in
            state.withLock { $0.fatal = error }
            Task { await subscription.leave() }
        }
    }

    // MARK: Membership

    private func follow(_ subscription: any Subscription, _ dispatcher: Dispatcher) async throws {
        while let event = try await subscription.next() {
            switch event {
            case .assigned(let assignments):
                try await takeOver(assignments, subscription, dispatcher)
                ready()
            case .records(let records):
                try await dispatcher.loop.flatSubmit { dispatcher.take(records) }.get()
            case .revoked(let partitions):
                try await dispatcher.loop.flatSubmit { dispatcher.give(up: partitions) }.get()
                subscription.release(partitions)
            case .lost(let partitions):
                try await dispatcher.loop.submit { dispatcher.lose(partitions) }.get()
            }
        }
    }

    private func takeOver(
        _ assignments: [SubscriptionEvent.Assignment], _ subscription: any Subscription, _ dispatcher: Dispatcher
    ) async throws {
        let ledgers = try await Takeover.ledgers(of: assignments, spool: spool, subscription: subscription)
        for (partition, ledger) in ledgers.sorted(by: { $0.key < $1.key }) {
            let schedule = try await Takeover.schedule(of: partition, spool: spool) { [self] key, error in
                logger.critical(
                    "a schedule record cannot be read and is set aside",
                    metadata: ["partition": "\(partition)", "key": "\(key)", "error": "\(error)"])
                metrics.setAside(.schedule)
            }
            try await dispatcher.loop.submit { dispatcher.adopt(partition, ledger: ledger, schedule: schedule) }.get()
            subscription.begin(partition: partition, at: ledger.committedOffset)
        }
    }

    // MARK: Commands

    /// Applies operators' commands of the last day, and those to come; suppressions from where they were loaded.
    private func followCommands(_ dispatcher: Dispatcher) async {
        var isLoaded = true
        while !Task.isCancelled {
            do {
                if !isLoaded { try await loadSuppressions() }
                isLoaded = true
                let stream = try await spool.follow(.control, from: .time(.now() + .seconds(-86_400)))
                defer { stream.close() }
                while !Task.isCancelled {
                    let records = try await stream.next(wait: true)
                    apply(suppressions: records)
                    for record in records { await apply(record, dispatcher) }
                }
            } catch {
                if Task.isCancelled || error.code == .closed { return }
                // Read again from the day before: applied twice, a command changes nothing.
                isLoaded = false
                logger.error("operators' commands cannot be read now; trying again", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: .seconds(1))  // cancelled, the loop ends
            }
        }
    }

    private func apply(_ record: StoredRecord, _ dispatcher: Dispatcher) async {
        guard let value = record.value, !record.key.hasPrefix(SuppressionKey.prefix) else { return }
        do {
            guard case .command(let command) = try ControlRecord(decoding: value) else { return }
            let matched = await onLoop(dispatcher.loop) { dispatcher.apply(command) }
            // Read again after a restart, a command was answered long ago.
            guard command.issued + .seconds(60) > .now() else { return }
            let answer = QueueAnswer(command: command.id, node: configuration.node, matched: matched)
            spool.append([SpoolRecord(.answer(answer))]) { [logger] result in
                if case .failure(let error) = result {
                    logger.warning("a command's answer cannot be written", metadata: ["error": "\(error)"])
                }
            }
        } catch {
            logger.error("a control record cannot be read", metadata: ["error": "\(error)"])
            metrics.setAside(.control)
        }
    }

    // MARK: Stopping

    /// On a graceful shutdown: no new attempts, time for the running ones, the last commit, then leave.
    private func stopWhenAsked(_ subscription: any Subscription, _ dispatcher: Dispatcher) async {
        do {
            try await gracefulShutdown()
        } catch {
            return  // cancelled: the service ended by itself
        }
        logger.info("the sender is stopping")
        watches.stop()
        let drained = dispatcher.loop.flatSubmit { dispatcher.stop() }
        do {
            try await drained.get()
        } catch {
            logger.error("outcomes were not committed at the end", metadata: ["error": "\(error)"])
        }
        await subscription.leave()
    }

    func onLoop<Value: Sendable>(_ loop: any EventLoop, _ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            loop.execute { continuation.resume(returning: body()) }
        }
    }
}

/// Lets lane groups, which are made first, find the dispatcher.
final class DispatcherHolder: Sendable {
    private let held = Mutex<Dispatcher?>(nil)
    var dispatcher: Dispatcher? {
        get { held.withLock { $0 } }
        set { held.withLock { $0 = newValue } }
    }
}
