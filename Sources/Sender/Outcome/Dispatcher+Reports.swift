import DeliveryPolicy
import MailModel
import NIOCore
import Spool

extension Dispatcher {
    /// Takes what lanes report, a batch of one loop's turn.
    func take(_ reports: [AttemptReport]) {
        var touched: Set<LaneKey> = []
        for report in reports {
            touched.insert(report.lane)
            if report.counted > 0 { batch.counted[report.laneNumber, default: 0] += report.counted }
            guard let message = messages[report.key], message.epoch == report.epoch, owns(message) else { continue }
            release(message)
            switch report.ending {
            case .attempted(let attempt): attempted(message, attempt, report.lane)
            case .returned(let reason, let until, let failure):
                returned(message, reason, until, failure, report.lane)
            }
        }
        for lane in touched { callParked(lane) }
        planTurn()
    }

    private func attempted(_ message: QueuedMessage, _ attempt: Attempt, _ lane: LaneKey) {
        guard let context = lanes[lane]?.context else { return }
        if attempt.reachedHost { laneWorks(lane) }
        lanes[lane]?.noteEnd(at: .now())
        metrics.attempted(attempt.facts)
        if attempt.continuesAtNextSource {
            message.refusedSources.append(lane.source)
            return place(message)
        }
        settle(message, attempt, context)
    }

    private func returned(
        _ message: QueuedMessage, _ reason: String, _ until: Timestamp?, _ failure: Failure?, _ lane: LaneKey
    ) {
        if !message.commands.isEmpty { return carryOut(message.commands, on: message) }
        if isStopping {
            // Untouched, it is found where it lies: in the ledger or in the schedule.
            message.content = nil
            message.state = .left
            return
        }
        if let until { laneWentDown(lane, until: until, because: reason) }
        if suppress(message) { return }
        if message.entry.expiry <= .now() { return expire(message, failure) }
        if until != nil {
            if let context = lanes[lane]?.context, hasOtherSource(message, than: lane, context) {
                place(message)
            } else {
                park(message, in: lane)
            }
        } else {
            park(message, because: reason, due: .now() + .seconds(60))
        }
    }

    /// Applies an attempt to a message: events, what remains, the end of the message, a notice.
    func settle(_ message: QueuedMessage, _ attempt: Attempt, _ lane: LaneContext) {
        let settlement = Settlement.of(
            message, attempt, lane: lane, at: .now(), retry: retry, events: events, using: &random)
        suppressHardBounces(of: message, attempt)
        apply(settlement, to: message)
    }

    func apply(_ settlement: Settlement, to message: QueuedMessage) {
        release(message)
        for event in settlement.events {
            batch.add(events.record(of: event, partition: message.partition), partition: message.partition)
            batch.outcomes[.init(kind: event.type, class: event.class), default: 0] += 1
        }
        batch.grow()
        for (end, count) in settlement.ends {
            partitions[message.partition]?.ledger.totals[keyPath: end] += UInt64(count)
        }
        partitions[message.partition]?.queuedRecipients -= message.recipientCount - settlement.remaining.count
        batch.touch(message.partition)
        if !settlement.failed.isEmpty { requestNotice(of: settlement, message) }
        message.entry.recipients = settlement.remaining
        message.content = nil
        message.refusedSources = []
        guard !settlement.remaining.isEmpty else { return end(message) }
        message.entry.state = .scheduled
        message.entry.reason = nil
        message.entry.due = settlement.due ?? .now()
        message.entry.lastAttempt = settlement.attempted ?? message.entry.lastAttempt
        _ = requestDelayNotice(of: message, at: .now(), host: settlement.remoteHost)
        store(message)
        if !message.commands.isEmpty { return carryOut(message.commands, on: message) }
        putDown(message, Rest(due: message.entry.due, lane: message.lane))
    }

    /// Nothing remains: the record of the message, in the log or in the schedule, is finished.
    private func end(_ message: QueuedMessage) {
        if message.isStored {
            batch.add(
                SpoolRecord(
                    ending: .entry(message.entry.queueID, part: message.entry.part), partition: message.partition),
                partition: message.partition)
        } else {
            finishOffset(of: message)
        }
        message.state = .ended
        batch.ended.append(message)
    }

    // MARK: Ends without an attempt

    /// The lifetime is over.
    func expire(_ message: QueuedMessage, _ failure: Failure?) {
        let last = message.entry.recipients.compactMap(\.lastReply).last
        let text = failure?.text ?? last?.text ?? message.entry.reason ?? "no attempt was possible"
        let reply = Reply(554, StatusDetail(4, 7), "not delivered within its lifetime; \(text)")
        finish(message, as: .expired, \.expired, class: .messageExpired, reply, actor: nil, reason: text)
    }

    func fail(_ message: QueuedMessage, _ reply: Reply, actor: String?, reason: String?) {
        finish(message, as: .failed, \.failed, class: .other, reply, actor: actor, reason: reason)
    }

    func drop(_ message: QueuedMessage, actor: String?, reason: String?) {
        finish(message, as: .dropped, \.dropped, class: nil, nil, actor: actor, reason: reason)
    }

    private func finish(
        _ message: QueuedMessage, as kind: DeliveryEvent.Kind, _ end: Settlement.End, class: BounceClass?,
        _ reply: Reply?,
        actor: String?, reason: String?
    ) {
        var settlement = Settlement()
        let now = Timestamp.now()
        for var recipient in message.entry.recipients {
            if let reply { recipient.lastReply = reply }
            var event = events.event(kind, message, recipient, at: now)
            event.class = `class`?.rawValue
            event.severity = `class`?.severity.rawValue
            event.reply = reply
            event.actor = actor
            event.reason = reason
            settlement.events.append(event)
            if kind != .dropped { settlement.failed.append(recipient) }
        }
        settlement.ends[end] = message.recipientCount
        apply(settlement, to: message)
    }
}
