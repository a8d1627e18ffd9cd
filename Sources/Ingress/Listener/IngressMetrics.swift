import DeliveryPolicy
import NIOCore
import NodeRuntime

/// What ingress counts. Accepted recipients are counted by the sender, with the transaction that takes them in.
struct IngressMetrics: Sendable {
    private let registry: MetricsRegistry
    private let appendSeconds: HistogramSeries

    init(registry: MetricsRegistry) {
        self.registry = registry
        appendSeconds = registry.histogram(.appendSeconds)
    }

    func appended(in time: TimeAmount) { appendSeconds.recordNanoseconds(time.nanoseconds) }
    func rejected(_ listener: String, _ reason: String) {
        registry.counter(.rejectedRecipients, listener, reason).add()
    }
    /// Refusals that no event tells of.
    func rejectedUntold(_ listener: String, _ count: Int = 1) {
        registry.counter(.rejectionsWithoutEvent, listener).add(count)
    }
    /// - Parameter limit: A key of the configuration.
    func clientOverLimit(_ listener: String, _ limit: String) {
        registry.counter(.clientLimitRefusals, listener, limit).add()
    }
    /// - Parameter subject: `client` or `sender`; recipients are counted as rejected.
    func accessRefused(_ listener: String, _ subject: String) {
        registry.counter(.accessRefusals, listener, subject).add()
    }
    func calledOut(_ result: CallOutResult) { registry.counter(.callOuts, result.label).add() }
    func discarded(_ listener: String) { registry.counter(.accessDiscards, listener).add() }
    func earlyTalk(_ listener: String) { registry.counter(.earlyTalkers, listener).add() }
    func proxyHeaderRefused(_ listener: String) { registry.counter(.proxyHeaderRefusals, listener).add() }
    func unconfirmed(_ listener: String) { registry.counter(.unconfirmedMessages, listener).add() }
}

extension CallOutResult {
    fileprivate var label: String {
        switch self {
        case .exists: "exists"
        case .unknown: "unknown"
        case .unanswered: "unanswered"
        }
    }
}
