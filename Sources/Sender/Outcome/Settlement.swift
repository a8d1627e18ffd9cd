import DeliveryPolicy
import MailModel
import Spool

/// What an attempt changes: the events it causes, the recipients that remain, those a notice must tell about.
///
/// Pure: the message and the attempt in, the change out. `Dispatcher` applies it.
struct Settlement {
    var events: [DeliveryEvent] = []
    /// Recipients still to be delivered, with their attempts and last failure.
    var remaining: [ScheduleEntry.Recipient] = []
    /// Recipients that failed or expired, for the DSN.
    var failed: [ScheduleEntry.Recipient] = []
    /// Recipients that came to an end, by total of the ledger.
    var ends: [End: Int] = [:]
    /// Host the attempt talked to, for the DSN.
    var remoteHost: String?
    /// When the attempt began; `nil` where there was none.
    var attempted: Timestamp?
    /// In the key of the DSN, where it is not the number of the attempt.
    var noticeNumber: Int?
    /// When the remaining recipients are due; the earliest where they differ.
    var due: Timestamp?

    typealias End = WritableKeyPath<Ledger.Totals, UInt64>

    /// - Parameters:
    ///   - now: When the attempt ended.
    ///   - retry: Chooses the due time of recipients that were deferred.
    static func of(
        _ message: QueuedMessage, _ attempt: Attempt, lane: LaneContext, at now: Timestamp, retry: RetryPolicy,
        events factory: EventFactory, using random: inout some RandomNumberGenerator
    ) -> Settlement {
        var settlement = Settlement()
        settlement.attempted = attempt.began
        // A path is no name of an MTA, as a DSN would have it (RFC 3464 §2.3.5).
        settlement.remoteHost = attempt.facts.remote?.host.flatMap { $0.hasPrefix("/") ? nil : $0 }
        for (index, outcome) in attempt.outcomes.enumerated() where index < message.entry.recipients.count {
            var recipient = message.entry.recipients[index]
            if case .untried = outcome {
                settlement.remaining.append(recipient)
                settlement.due = now
                continue
            }
            recipient.attempts += 1
            var event: DeliveryEvent
            switch outcome {
            case .delivered(let reply):
                event = factory.event(.delivered, message, recipient, at: now)
                event.reply = reply
                settlement.ends[\.delivered, default: 0] += 1
            case .failed(let failure, let disposition):
                event = settlement.failed(
                    message, &recipient, failure, disposition, at: now, retry, factory, &random)
            case .untried: continue
            }
            event.describe(attempt, lane, arrival: message.entry.arrival)
            settlement.events.append(event)
        }
        return settlement
    }

    private mutating func failed(
        _ message: QueuedMessage, _ recipient: inout ScheduleEntry.Recipient, _ failure: Failure,
        _ disposition: Disposition, at now: Timestamp, _ retry: RetryPolicy, _ factory: EventFactory,
        _ random: inout some RandomNumberGenerator
    ) -> DeliveryEvent {
        recipient.lastReply = disposition.status
        recipient.lastFailure = failure.text
        recipient.errorClass = disposition.errorClass.rawValue
        recipient.bounceClass = disposition.bounceClass.rawValue
        recipient.severity = disposition.severity.rawValue
        var event: DeliveryEvent
        if disposition.step == .fail {
            event = factory.event(.failed, message, recipient, at: now)
            event.class = disposition.bounceClass.rawValue
            event.severity = disposition.severity.rawValue
            failed.append(recipient)
            ends[\.failed, default: 0] += 1
        } else if let next = retry.nextDue(
            after: now, attempt: recipient.attempts, errorClass: disposition.errorClass, expiry: message.entry.expiry,
            using: &random)
        {
            event = factory.event(.deferred, message, recipient, at: now)
            event.class = disposition.bounceClass.rawValue
            event.severity = disposition.severity.rawValue
            event.nextAttempt = next
            due = due.map { min($0, next) } ?? next
            remaining.append(recipient)
        } else {
            event = factory.event(.expired, message, recipient, at: now)
            event.class = BounceClass.messageExpired.rawValue
            event.severity = BounceClass.messageExpired.severity.rawValue
            failed.append(recipient)
            ends[\.expired, default: 0] += 1
        }
        event.reply = disposition.status
        event.reason = failure.reply == nil ? failure.text : nil
        event.ambiguous = disposition.isAmbiguous ? true : nil
        return event
    }
}

/// What the dispatcher knows of the lane an attempt ran in.
struct LaneContext {
    var site: String
    var route: Site.Kind
    var source: String
    var pool: String?
}

extension DeliveryEvent {
    /// Adds what the connection and the lane tell.
    mutating func describe(_ attempt: Attempt, _ lane: LaneContext, arrival: Timestamp) {
        site = lane.site
        route = lane.route.rawValue
        `protocol` = lane.route.protocolName
        source = lane.source.isEmpty ? nil : lane.source
        pool = lane.pool ?? pool
        sourceAddress = attempt.facts.sourceAddress
        remote = attempt.facts.remote
        tls = attempt.facts.tls
        timing = Timing(
            queued: Int((attempt.began - arrival).wholeMilliseconds), connect: attempt.facts.connectMilliseconds,
            transfer: attempt.facts.transferMilliseconds)
    }
}
