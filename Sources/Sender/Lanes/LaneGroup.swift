import DeliveryPolicy
import Logging
import MailModel
import NIOCore
import SMTPProtocol
import Spool

/// The lanes that live on one event loop. A site's lanes are all on the loop its name hashes to.
///
/// `@unchecked Sendable`: bound to its loop; every method runs there.
final class LaneGroup: @unchecked Sendable {
    /// What every lane needs to know of the configuration.
    struct Settings: Sendable {
        var timeouts: ClientTimeouts
        var backOff: BackOff
        /// Addresses to try; `nil` for both families.
        var family: NIOBSDSocket.ProtocolFamily?
        var tags: TraceTags
    }

    /// Orders for one lane.
    struct Submission: Sendable {
        let target: LaneTarget
        let number: Int
        var orders: [Order]
    }

    let loop: any EventLoop
    private(set) var settings: Settings
    let gauge: UncommittedGauge
    let bounces: BounceClassifier
    let suppressions: SuppressionBook
    let logger: Logger
    var health: HostHealth
    var lastFailures = FailureMemory()
    /// Hosts whose STARTTLS failed, and those that do not know BDAT though they offer CHUNKING.
    var brokenTLS = HostMemory()
    var withoutChunking = HostMemory()
    /// Who watches sessions; empty nearly always.
    var watches: [SessionWatch] = []
    var random = SystemRandomNumberGenerator()
    private(set) var isStopping = false
    private var lanes: [LaneKey: Lane] = [:]
    private var waitingForGauge: [Lane] = []
    private var reports: [AttemptReport] = []
    private var isFlushPlanned = false
    private let deliver: @Sendable (LaneNews) -> Void
    private var sweeper: RepeatedTask?

    /// - Parameter deliver: Takes what lanes report, on this loop.
    init(
        loop: any EventLoop, settings: Settings, gauge: UncommittedGauge, bounces: BounceClassifier,
        suppressions: SuppressionBook, logger: Logger, deliver: @escaping @Sendable (LaneNews) -> Void
    ) {
        self.loop = loop
        self.settings = settings
        self.gauge = gauge
        self.bounces = bounces
        self.suppressions = suppressions
        self.logger = logger
        self.deliver = deliver
        health = HostHealth(backOff: settings.backOff)
    }

    func enqueue(_ submissions: [Submission]) {
        for submission in submissions {
            lane(submission).enqueue(submission.orders, submission.target)
        }
        guard sweeper == nil, !isStopping else { return }
        sweeper = loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { [self] _ in sweep() }
    }

    private func lane(_ submission: Submission) -> Lane {
        if let lane = lanes[submission.target.key] { return lane }
        let lane = Lane(submission.target, number: submission.number, group: self)
        lanes[submission.target.key] = lane
        return lane
    }

    // MARK: What lanes ask for

    var instant: MonotonicTime { MonotonicTime(nanoseconds: NIODeadline.now().uptimeNanoseconds) }

    func waitForGauge(_ lane: Lane) { waitingForGauge.append(lane) }

    /// Reports of one turn of the loop travel together.
    func report(_ report: AttemptReport) {
        reports.append(report)
        guard !isFlushPlanned else { return }
        isFlushPlanned = true
        loop.execute { [self] in
            isFlushPlanned = false
            let batch = reports
            reports = []
            deliver(.reports(batch))
        }
    }

    func reportDown(_ lane: LaneKey, until: Timestamp, because reason: String) {
        deliver(.down(lane, until: until, reason: reason))
    }

    // MARK: What the dispatcher asks for

    /// For connections opened, and replies that come, from now on.
    func reconfigure(_ settings: Settings, bounces rules: PatternLimitLog) {
        self.settings = settings
        bounces.limits = rules
        health.backOff = settings.backOff
    }

    /// Outcomes were committed: lanes that waited for room below `max_uncommitted` go on, longest waiting first.
    func gaugeFell() {
        guard !waitingForGauge.isEmpty else { return }
        let lanes = waitingForGauge
        waitingForGauge = []
        for lane in lanes { lane.pump() }
    }

    func forgive(_ lane: LaneKey) { lanes[lane]?.forgive() }
    func withdraw(_ key: QueuedMessage.Key, from lane: LaneKey) { lanes[lane]?.withdraw(key) }
    func views() -> [LaneView] { lanes.values.map { $0.view() } }
    func view(of lane: LaneKey) -> LaneView? { lanes[lane]?.view() }
    var connections: Int { lanes.values.reduce(0) { $0 + $1.openConnections } }

    /// Gives back everything that was not begun; running attempts end by themselves or by `abort`.
    func stop() {
        isStopping = true
        for lane in lanes.values { lane.stop() }
    }

    func abort() {
        for lane in lanes.values { lane.abort() }
        sweeper?.cancel()
        sweeper = nil
    }

    private func sweep() {
        let now = NIODeadline.now()
        for (key, lane) in lanes {
            lane.sweep(at: now)
            if lane.isUnused, now - lane.lastUse > .minutes(10) { lanes[key] = nil }
        }
    }
}

/// What a group of lanes tells the dispatcher.
enum LaneNews: Sendable {
    case reports([AttemptReport])
    /// The lane ran out of hosts while nothing was left to give back.
    case down(LaneKey, until: Timestamp, reason: String)
}

/// Hosts of which something is remembered for an hour.
struct HostMemory {
    private var hosts: [String: MonotonicTime] = [:]

    mutating func remember(_ host: String, at now: MonotonicTime) {
        if hosts.count >= 10_000 { hosts = hosts.filter { $0.value > now } }
        if hosts.count >= 10_000 { hosts = [:] }
        hosts[host] = now + .seconds(3600)
    }

    func has(_ host: String, at now: MonotonicTime) -> Bool { hosts[host].map { $0 > now } ?? false }
}

/// Latest failure of each host in the dead-host memory, to explain why its mail waits. Bounded.
struct FailureMemory {
    private var failures: [String: Failure] = [:]

    subscript(host: String) -> Failure? { failures[host] }

    mutating func remember(_ failure: Failure, of host: String) {
        if failures.count >= 10_000 { failures = [:] }
        failures[host] = failure
    }
}
