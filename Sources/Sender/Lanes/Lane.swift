import DeliveryPolicy
import DequeModule
import Logging
import MailModel
import NIOCore
import NodeRuntime
import SMTPProtocol
import Spool

/// A site reached from one source: its ready queue and its connections. Bound to its group's loop.
///
/// While no connection is established, one is opened at a time. A lane without a connection and without a host to try
/// is *down*: the order whose connection failed is reported as attempted, the others are given back untried until a
/// host may be probed again.
final class Lane {
    let key: LaneKey
    let number: Int
    private(set) var source: Source
    private(set) var site: Site
    unowned let group: LaneGroup
    private var ready: Deque<Order> = []
    private var connections: [ObjectIdentifier: LaneConnection] = [:]
    private var idle: [LaneConnection] = []
    private var opening = 0
    private var pacing: LanePacing
    private var isPumpPlanned = false
    private(set) var lastUse = NIODeadline.now()

    init(_ target: LaneTarget, number: Int, group: LaneGroup) {
        key = target.key
        self.number = number
        site = target.site
        source = target.source
        self.group = group
        pacing = LanePacing(target.site.settings.pacing)
    }

    var isUnused: Bool { ready.isEmpty && connections.isEmpty }
    var openConnections: Int { connections.count }

    func enqueue(_ orders: some Sequence<Order>, _ target: LaneTarget) {
        if target.site.settings != site.settings || target.source != source { reconfigure(target) }
        site = target.site
        lastUse = .now()
        ready.append(contentsOf: orders)
        pump()
    }

    /// The configuration has changed: connections made by the old one take no more mail.
    private func reconfigure(_ target: LaneTarget) {
        source = target.source
        pacing.reconfigure(target.site.settings.pacing)
        for connection in connections.values { connection.isRetired = true }
        let unused = idle
        idle = []
        for connection in unused { connection.close() }
    }

    /// Whether mail waits here that a watch is about.
    func hasReady(for watch: SessionWatch) -> Bool { ready.contains { watch.selector.covers($0) } }

    /// Puts ready orders on idle connections, and opens connections while more are wanted and allowed.
    func pump() {
        if group.isStopping { return giveBackAll(because: "the sender is stopping", until: nil, nil) }
        while var order = ready.first {
            guard let connection = popIdle() else { return connect() }
            // The dispatcher asked before; the list may have grown while the order waited here.
            guard !group.suppressions.suppresses(anyOf: order.recipientsLeft, tenant: order.tenant) else {
                idle.append(connection)
                ready.removeFirst()
                report(order, .returned(reason: "its recipient was suppressed", until: nil, failure: nil))
                continue
            }
            guard order.isCounted || group.gauge.begin(order.recipientCount, lane: number) else {
                idle.append(connection)
                return group.waitForGauge(self)
            }
            order.isCounted = true
            ready.removeFirst()
            connection.begin(order)
        }
        group.gauge.stopWaiting(number)
    }

    /// One that is ending stays among `connections` until it has ended.
    private func popIdle() -> LaneConnection? {
        while let connection = idle.popLast() {
            if connection.isUsable { return connection }
        }
        return nil
    }

    private func connect() {
        let limit = connections.count > opening ? Int.max : 1
        while opening < min(ready.count, limit) {
            switch pacing.mayOpen(now: group.instant) {
            case .enough: return
            case .later(let moment): return pump(at: moment)
            case .yes: break
            }
            guard let candidate = usableCandidate() else {
                if connections.isEmpty { giveBackUntried(nil) }
                return
            }
            _ = group.health.use(memoryKey(candidate), now: group.instant)
            pacing.opened(now: group.instant)
            opening += 1
            let connection = LaneConnection(
                lane: self, candidate: candidate, inClear: group.brokenTLS.has(candidate.host, at: group.instant))
            connections[ObjectIdentifier(connection)] = connection
            connection.open()
        }
    }

    private func pump(at moment: MonotonicTime) {
        guard !isPumpPlanned else { return }
        isPumpPlanned = true
        group.loop.assumeIsolated().scheduleTask(in: TimeAmount(max(moment - group.instant, .milliseconds(1)))) {
            self.isPumpPlanned = false
            self.pump()
        }
    }

    // MARK: Hosts

    /// A host may refuse one of our addresses and welcome another, and a lane must not wait for another's probe.
    private func memoryKey(_ candidate: Site.Candidate) -> String {
        let address = candidate.address?.ipAddress ?? candidate.host
        return "\(key) \(key.route) \(address) \(candidate.address?.port ?? 0)"
    }

    private func candidates() -> [Site.Candidate] {
        site.candidates(family: source.address?.protocol ?? group.settings.family, using: &group.random)
    }

    private func usableCandidate() -> Site.Candidate? {
        candidates().first {
            if case .unusable = group.health.usability(of: memoryKey($0), now: group.instant) { false } else { true }
        }
    }

    /// Forgets that hosts failed.
    func forgive() {
        for candidate in candidates() { group.health.succeeded(memoryKey(candidate)) }
    }

    // MARK: What connections tell

    func connectionReady(_ connection: LaneConnection) {
        opening -= 1
        group.health.succeeded(memoryKey(connection.candidate))
        if connection.isRetired { connection.close() } else { idle.append(connection) }
        pump()
    }

    /// A connection ended before it could take mail.
    func openingFailed(_ connection: LaneConnection, _ failure: Failure) {
        opening -= 1
        forget(connection)
        let key = memoryKey(connection.candidate)
        let decision = FailurePolicy.disposition(of: failure, in: context(isLastHost: false))
        if decision.step == .retryInClear {
            group.brokenTLS.remember(connection.candidate.host, at: group.instant)
            group.health.abandoned(key, now: group.instant)
            return pump()
        }
        group.lastFailures.remember(failure, of: key)
        if decision.effects.contains(.slowLane) { pacing.trouble(now: group.instant) }
        // A host that talks to us on other connections has enough of them; it is not dead.
        if connections.values.contains(where: { $0.isReady && $0.candidate.address == connection.candidate.address }) {
            pacing.trouble(now: group.instant)
            return group.health.abandoned(key, now: group.instant)
        }
        group.health.failed(key, now: group.instant)
        if connections.isEmpty, usableCandidate() == nil { return goDown(failure, connection) }
        pump()
    }

    func finished(_ connection: LaneConnection, _ order: Order, _ result: TransactionResult, began: Timestamp) {
        let isLastHost = { [self] in order.hostsTried + 1 >= candidates().count }
        let attempt = Attempt(
            outcomes: result.perRecipient.map {
                outcome($0, of: order, at: connection.candidate, isLastHost: isLastHost)
            },
            began: began, facts: connection.facts)
        learn(from: attempt, connection)
        var order = order
        if attempt.continuesByDATA {
            group.withoutChunking.remember(connection.candidate.host, at: group.instant)
            group.logger.notice(
                "a host offers CHUNKING and refuses BDAT; it gets DATA for an hour",
                metadata: [LogKey.site: "\(site.name)", LogKey.host: "\(connection.candidate.host)"])
            ready.prepend(order)
        } else if attempt.continuesAtNextHost {
            order.hostsTried += 1
            // Passed over until its back-off ends, so that the next connection goes to the next host.
            group.health.failed(memoryKey(connection.candidate), now: group.instant)
            ready.prepend(order)
        } else if let whole = order.add(attempt) {
            report(order, .attempted(whole))
        } else {
            ready.prepend(order)
        }
        if result.connectionUsable, !connection.isRetired, !attempt.continuesAtNextHost,
            pacing.mayReuse(afterMessages: connection.transactions)
        {
            idle.append(connection)
        } else {
            connection.close()
        }
        lastUse = .now()
        pump()
    }

    private func outcome(
        _ result: RecipientResult, of order: Order, at candidate: Site.Candidate, isLastHost: () -> Bool
    ) -> Attempt.Outcome {
        switch result {
        case .delivered(let reply): .delivered(reply)
        case .failed(let failure): .failed(failure, judge(failure, of: order, at: candidate, isLastHost: isLastHost()))
        }
    }

    /// With the operator's bounce rules.
    private func judge(
        _ failure: Failure, of order: Order, at candidate: Site.Candidate, isLastHost: Bool
    ) -> Disposition {
        FailurePolicy.disposition(
            of: failure, in: context(order, isLastHost: isLastHost),
            ruling: group.bounces.ruling(on: failure, from: candidate.host))
    }

    private func learn(from attempt: Attempt, _ connection: LaneConnection) {
        var isTrouble = false
        for case .failed(let failure, let decision) in attempt.outcomes where decision.scope != .recipient {
            if decision.effects.contains(.slowLane) { isTrouble = true }
            if decision.effects.contains(.hostUnusable) {
                group.lastFailures.remember(failure, of: memoryKey(connection.candidate))
                group.health.failed(memoryKey(connection.candidate), now: group.instant)
            }
        }
        if isTrouble { pacing.trouble(now: group.instant) } else { pacing.succeeded() }
    }

    private func context(_ order: Order? = nil, isLastHost: Bool) -> FailurePolicy.Context {
        FailurePolicy.Context(
            isLastHost: isLastHost, isLastSource: order?.isLastSource ?? true,
            requiresTLS: site.settings.tls == .required, isLMTP: site.kind == .lmtp)
    }

    func connectionEnded(_ connection: LaneConnection, _ failure: Failure?) {
        if let failure, failure.cause == .protocolViolation {
            group.logger.warning(
                "a host broke the protocol; the connection is closed",
                metadata: [
                    LogKey.site: "\(site.name)", LogKey.host: "\(connection.candidate.host)",
                    LogKey.reason: "\(failure.stage.rawValue): \(failure.text)",
                ])
        }
        forget(connection)
        pump()
    }

    private func forget(_ connection: LaneConnection) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        pacing.closed()
        idle.removeAll { $0 === connection }
    }

    // MARK: Giving back

    /// No host is left: the first order was the probe and failed with it, the others were not tried.
    private func goDown(_ failure: Failure, _ connection: LaneConnection) {
        if let probe = ready.popFirst() {
            let decision = judge(failure, of: probe, at: connection.candidate, isLastHost: true)
            let outcomes = probe.recipientsLeft.map { _ in Attempt.Outcome.failed(failure, decision) }
            report(
                probe,
                .attempted(
                    Attempt(
                        outcomes: (probe.progress?.outcomes ?? []) + outcomes, began: probe.progress?.began ?? .now(),
                        facts: connection.facts)))
        }
        giveBackUntried(failure)
    }

    private func giveBackUntried(_ failure: Failure?) {
        let keys = candidates().map(memoryKey)
        let failure = failure ?? keys.lazy.compactMap { self.group.lastFailures[$0] }.first
        let now = group.instant
        let waits = keys.compactMap { key -> Duration? in
            if case .unusable(let until) = group.health.usability(of: key, now: now) { until - now } else { nil }
        }
        let text = failure.map { ": \($0.text)" } ?? ""
        let reason = keys.isEmpty ? "no address of \(site.name) fits the source" : "\(site.name) does not answer\(text)"
        // A back-off may have ended since the hosts were passed over: then the next probe is due at once.
        let until = Timestamp.now() + (keys.isEmpty ? .seconds(60) : waits.min() ?? .zero)
        if ready.isEmpty { group.reportDown(key, until: until, because: reason) }
        giveBackAll(because: reason, until: until, failure)
    }

    private func giveBackAll(because reason: String, until: Timestamp?, _ failure: Failure?) {
        while let order = ready.popFirst() {
            report(order, .returned(reason: reason, until: until, failure: failure))
        }
        group.gauge.stopWaiting(number)
    }

    /// Gives one order back if its attempt has not begun.
    func withdraw(_ key: QueuedMessage.Key) {
        guard let index = ready.firstIndex(where: { $0.key == key }) else { return }
        report(ready.remove(at: index), .returned(reason: "withdrawn by an operator", until: nil, failure: nil))
    }

    private func report(_ order: Order, _ ending: AttemptReport.Ending) {
        var ending = ending
        // Of some recipients an attempt was made, which must not be forgotten.
        if case .returned = ending, var made = order.progress {
            made.outcomes += order.recipientsLeft.map { _ in .untried }
            ending = .attempted(made)
        }
        group.report(
            AttemptReport(
                key: order.key, epoch: order.epoch, lane: key, laneNumber: number,
                counted: order.isCounted ? order.recipientCount : 0, ending: ending))
    }

    // MARK: Upkeep

    /// Closes connections that have been idle for too long.
    func sweep(at now: NIODeadline) {
        let (old, kept) = (
            idle.filter { now - $0.idleSince > site.settings.idleTime },
            idle.filter { now - $0.idleSince <= site.settings.idleTime }
        )
        idle = kept
        for connection in old { connection.close() }
    }

    /// Gives back what was not begun; running attempts go on.
    func stop() {
        giveBackAll(because: "the sender is stopping", until: nil, nil)
        let unused = idle
        idle = []
        for connection in unused { connection.close() }
    }

    /// Ends running attempts at once.
    func abort() {
        for connection in connections.values { connection.close(immediately: true) }
    }

    func view() -> LaneView {
        LaneView(
            key: key, ready: ready.count, connections: connections.count, limit: pacing.allowance,
            attempts: connections.values.compactMap { connection in
                connection.order.map { .init(key: $0.key, host: connection.candidate.host, since: connection.began) }
            },
            isBlockedByGauge: !ready.isEmpty && !idle.isEmpty)
    }
}
