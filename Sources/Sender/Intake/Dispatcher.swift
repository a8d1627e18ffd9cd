import DeliveryPolicy
import DequeModule
import Logging
import MailModel
import NIOCore
import NodeRuntime
import Spool

/// Holds every message this sender is responsible for, and decides what each does next.
///
/// Mail records come in, orders go to lanes, reports come back, outcomes leave in transactions. The extensions follow
/// that path: `+Intake`, `+Placement`, `+Loading`, `+Reports`, `+Parking`, `+Resting`, `+Commit`, `+Notices`, `+Commands`,
/// `+Suppression`.
///
/// `@unchecked Sendable`: bound to its loop; every method runs there unless it says otherwise.
final class Dispatcher: @unchecked Sendable {
    struct Settings: Sendable {
        var node: String
        var hostname: Domain
        var lifetime: Duration
        var commitInterval: TimeAmount
        var commitSize: Int
        /// Bounds of what waits in one lane, and of the content in memory for all of them.
        var readyMessages: Int
        var readyBytes: Int
        var totalBytes: Int
        /// Messages that may wait.
        var queueLimit: Int
        /// What DSNs return where RET was not given.
        var noticeReturn: ReturnContent
        /// Time after which originators are told of a delay, and which.
        var delayAfter: Duration?
        var delayFor: DSNConfiguration.DelayScope
        var drainTime: TimeAmount
        /// By pool.
        var verp: [String: VERPTemplate]
        var suppression: SuppressionConfiguration
    }

    let loop: any EventLoop
    private(set) var settings: Settings
    let spool: any Spool
    let subscription: any Subscription
    private(set) var router: Router
    let sites: SiteDirectory
    let gauge: UncommittedGauge
    let events: EventFactory
    private(set) var retry: RetryPolicy
    let logger: Logger
    let metrics: SenderMetrics
    let suppressions: SuppressionBook
    var pools: SourcePools
    let groups: [LaneGroup]
    private let gaveUp: @Sendable (SpoolError) -> Void

    var partitions: [Int: PartitionState] = [:]
    /// Those of the partitions, for what is asked in each turn: a look into the dictionary copies all of a state.
    var stores: [RestingStore] = []
    /// Partitions that hold as many messages as they may: nothing more is read of them.
    var paused: Set<Int> = []
    /// Those at work; what waits is in the stores of its partitions.
    var messages: [QueuedMessage.Key: QueuedMessage] = [:]
    var lanes: [LaneKey: LaneLoad] = [:]
    /// Content of messages in lanes, or about to be.
    var readyBytes = 0
    var lastEpoch: UInt64 = 0
    var lastLaneNumber = 0
    private var lastSweep = NIODeadline.now()
    /// DSNs to be written to `mail`, and how many are on their way there.
    var notices: Deque<PendingNotice> = []
    var noticesInWork = 0
    var unfitReversePaths = UnfitReversePaths()
    var random = SystemRandomNumberGenerator()
    var isStopping = false
    /// Operators' commands of the last day, for messages that are read after them.
    var commands: [QueueCommand] = []
    /// Those that resting messages will be woken for, by number, and how many are left.
    var commandsUnderWay: [UInt32: (commands: [QueueCommand], messages: Int)] = [:]
    var lastCommandNumber: UInt32 = 0
    var latestCommand = Timestamp(milliseconds: 0)
    let started = Timestamp.now()
    /// Why nothing can be committed any more.
    private(set) var fatal: SpoolError?

    // Work gathered in one turn of the loop.
    var submissions: [Int: [LaneKey: LaneGroup.Submission]] = [:]
    var toLoad: [QueuedMessage] = []
    var toWake: Deque<Wake> = []
    /// Those woken for operators' commands.
    var commanded: Deque<Wake> = []
    /// Records of resting messages are being read.
    var isWaking = false
    var isTurnPlanned = false

    // Outcomes on their way into the spool.
    var batch = OutcomeBatch()
    var committing: OutcomeBatch?
    /// Messages whose schedule records are in it, by the index of the record.
    var storing: [(index: Int, message: QueuedMessage)] = []
    var commitTimer: Scheduled<Void>?
    var commitWaiters: [EventLoopPromise<Void>] = []
    var dueTimer: (due: Timestamp, timer: Scheduled<Void>)?

    init(
        loop: any EventLoop, settings: Settings, spool: any Spool, subscription: any Subscription, router: Router,
        sites: SiteDirectory, pools: SourcePools, groups: [LaneGroup], gauge: UncommittedGauge, retry: RetryPolicy,
        suppressions: SuppressionBook, metrics: SenderMetrics, logger: Logger,
        gaveUp: @escaping @Sendable (SpoolError) -> Void
    ) {
        self.loop = loop
        self.settings = settings
        self.spool = spool
        self.subscription = subscription
        self.router = router
        self.sites = sites
        self.pools = pools
        self.groups = groups
        self.gaveUp = gaveUp
        self.gauge = gauge
        self.retry = retry
        self.suppressions = suppressions
        self.metrics = metrics
        self.logger = logger
        events = EventFactory(node: settings.node, eventPartitions: spool.partitionCount(of: .events))
        sites.resolved = { [unowned self] messages in
            var touched: Set<LaneKey> = []
            for message in messages where owns(message) {
                guard case .resolving = message.state else { continue }
                if let lane = message.lastLane { touched.insert(lane) }
                place(message)
            }
            for lane in touched { callParked(lane) }
            planTurn()
        }
    }

    /// Goes on with another configuration: for messages that are placed, and outcomes that come, from now on.
    func reconfigure(_ settings: Settings, router: Router, pools: SourcePools, retry: RetryPolicy) {
        (self.settings, self.router, self.pools, self.retry) = (settings, router, pools, retry)
        sites.forget()
        for store in stores { store.forgetLanes() }
        resumeIntake()
        for lane in lanes.keys { callParked(lane) }
        planTurn()
    }

    /// Where messages of a site wait; see `LaneGroup`.
    func group(of lane: LaneKey) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a
        for byte in lane.site.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int(hash % UInt64(groups.count))
    }

    /// Forgets lanes that nothing is in and nothing waits for.
    private func sweepLanes() {
        let now = NIODeadline.now()
        guard now - lastSweep > .minutes(10) else { return }
        lastSweep = now
        lanes = lanes.filter { _, load in
            let wasDownLately = load.down.map { $0.until + .seconds(600) > .now() } ?? false
            let isKept = load.messages > 0 || !load.parked.isEmpty || wasDownLately
            if !isKept { load.wakeUp?.cancel() }
            return isKept
        }
    }

    /// Nothing can be committed any more: the service ends.
    func fail(_ error: SpoolError) {
        fatal = error
        let waiters = commitWaiters
        commitWaiters = []
        for waiter in waiters { waiter.fail(error) }
        gaveUp(error)
    }

    /// Runs what one turn gathered: reads contents, hands orders over, starts a commit.
    func planTurn() {
        guard !isTurnPlanned else { return }
        isTurnPlanned = true
        loop.execute { [self] in
            isTurnPlanned = false
            readResting()
            loadContents()
            submitOrders()
            planCommit()
            armDueTimer()
            sweepLanes()
        }
    }
}
