import DeliveryPolicy
import Logging
import MailModel
import NIOCore
import NodeRuntime
import Spool

/// What the sender counts. Outcomes are counted when they are committed, never before.
struct SenderMetrics: Sendable {
    let registry: MetricsRegistry
    private let commitSeconds: HistogramSeries
    private let connectSeconds: HistogramSeries
    private let transferSeconds: HistogramSeries

    init(registry: MetricsRegistry) {
        self.registry = registry
        commitSeconds = registry.histogram(.commitSeconds)
        connectSeconds = registry.histogram(.attemptSeconds, "connect")
        transferSeconds = registry.histogram(.attemptSeconds, "transfer")
    }

    func committed(_ batch: OutcomeBatch, took time: TimeAmount) {
        commitSeconds.recordNanoseconds(time.nanoseconds)
        for (listener, count) in batch.accepted { registry.counter(.acceptedRecipients, listener).add(count) }
        for (outcome, count) in batch.outcomes {
            registry.counter(.outcomes, outcome.kind.rawValue, outcome.class ?? "", "").add(count)
        }
    }

    func attempted(_ facts: Attempt.Facts) {
        if let time = facts.connectMilliseconds, facts.isFirst { connectSeconds.record(Double(time) / 1000) }
        if let time = facts.transferMilliseconds { transferSeconds.record(Double(time) / 1000) }
    }

    func plainReversePath(pool: String) { registry.counter(.plainReversePaths, pool).add() }

    func patternLimitReached(rule: String) { registry.counter(.patternLimits, rule).add() }

    func setAside(_ topic: Topic) { registry.counter(.recordsSetAside, topic.rawValue).add() }
}

extension SenderService {
    /// Gauges that are worked out when somebody asks.
    func observe(_ registry: MetricsRegistry) {
        registry.observe(.conservationDifference) { [self] in
            await books().map { MetricSample(Double($0.difference), labels: ["\($0.partition)"]) }
        }
        registry.observe(.uncommittedAttempts) { [self] in [MetricSample(Double(gauge.count))] }
        registry.observe(.suppressions) { [self] in [MetricSample(Double(suppressions.count))] }
        registry.observe(.queuedRecipients) { [self] in
            await stateCounts().map { MetricSample(Double($0.value), labels: [$0.key]) }
        }
        registry.observe(.spoolLag) { [self] in
            await lag().sorted { $0.key < $1.key }.map { MetricSample(Double($0.value), labels: ["\($0.key)"]) }
        }
        registry.observe(.intakePaused) { [self] in
            guard let dispatcher = current else { return [] }
            let paused = await onLoop(dispatcher.loop) { dispatcher.paused }
            return paused.sorted().map { MetricSample(1, labels: ["\($0)"]) }
        }
        registry.observe(.connections) { [self] in
            var count = 0
            for group in groups { count += await onLoop(group.loop) { group.connections } }
            return [MetricSample(Double(count), labels: ["out"])]
        }
    }

    /// The conservation equation of each partition (DESIGN §1, promise 3).
    package func books() async -> [PartitionBooks] {
        guard let dispatcher = current else { return [] }
        return await onLoop(dispatcher.loop) {
            dispatcher.partitions.filter { $0.value.toReload == 0 }.map { partition, state in
                PartitionBooks(
                    partition: partition, intakeMark: state.ledger.intakeMark, totals: state.ledger.totals,
                    queued: state.queuedRecipients)
            }
        }
    }

    /// By partition, the records of `mail` that are still to be read; empty while the spool does not tell.
    package func lag() async -> [Int: Int] {
        guard let dispatcher = current else { return [:] }
        let states = await onLoop(dispatcher.loop) {
            dispatcher.partitions.mapValues { (mark: $0.ledger.intakeMark, again: $0.toReload) }
        }
        do {
            return try await spool.count(of: .mail, from: states.mapValues(\.mark)).merging(
                states.mapValues(\.again), uniquingKeysWith: +)
        } catch {
            logger.warning("the records still to be read cannot be counted", metadata: ["error": "\(error)"])
            return [:]
        }
    }

    private func stateCounts() async -> [String: Int] {
        guard let dispatcher = current else { return [:] }
        return await onLoop(dispatcher.loop) {
            var counts: [String: Int] = ["ready": 0, "scheduled": 0, "parked": 0]
            for message in dispatcher.messages.values where !message.isEnded {
                counts[dispatcher.queueState(of: message), default: 0] += message.recipientCount
            }
            for state in dispatcher.partitions.values { counts.merge(state.resting.recipients, uniquingKeysWith: +) }
            return counts
        }
    }
}
