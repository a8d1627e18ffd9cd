import MailModel
import NodeRuntime
import Spool

/// Notices that mail waits (RFC 3464 §2.3.3, `delayed`): once a recipient, in the commit that remembers it was told.
extension Dispatcher {
    /// When the originator is to be told; `nil` where nobody is, or all was said.
    func delayMoment(of message: QueuedMessage) -> Timestamp? {
        guard let delay = settings.delayAfter, message.entry.failureDSN, message.entry.reversePath != .null else {
            return nil
        }
        let moment = message.entry.arrival + delay
        guard moment < message.entry.expiry, message.entry.recipients.contains(where: { isTold($0, message) }) else {
            return nil
        }
        return moment
    }

    /// RFC 3461 §4.1: NOTIFY decides where it was given; where not, the choice is ours.
    private func isTold(_ recipient: ScheduleEntry.Recipient, _ message: QueuedMessage) -> Bool {
        if recipient.delayNotified { return false }
        if let notify = recipient.recipient.notify { return notify.contains(.delay) }
        return switch settings.delayFor {
        case .requested: false
        case .personal: message.entry.wishes.campaign == nil
        case .all: true
        }
    }

    /// After an attempt, or when a message waits without one: asks for a DSN where it is time. The entry of the message
    /// has to be stored in the same commit.
    ///
    /// - Returns: Whether the entry has changed.
    func requestDelayNotice(of message: QueuedMessage, at now: Timestamp, host: String?) -> Bool {
        guard let moment = delayMoment(of: message), moment <= now else { return false }
        var notice = message.entry
        notice.recipients = notice.recipients.filter { isTold($0, message) }
        guard let first = notice.recipients.first else { return false }
        notice.isNotice = true
        notice.isDelay = true
        notice.due = now
        notice.remoteHost = host
        // No other notice has this number: no recipient is told of a delay twice.
        let key = ScheduleKey.notice(
            notice.queueID, part: notice.part, attempt: Self.delayNumbers + first.recipient.index)
        for index in message.entry.recipients.indices where isTold(message.entry.recipients[index], message) {
            let recipient = message.entry.recipients[index]
            message.entry.recipients[index].delayNotified = true
            var event = events.event(.delayNotified, message, recipient, at: now)
            event.reply = recipient.lastReply
            event.reason = recipient.lastReply == nil ? recipient.lastFailure ?? message.entry.reason : nil
            event.class = recipient.bounceClass
            batch.add(events.record(of: event, partition: message.partition), partition: message.partition)
            batch.outcomes[.init(kind: event.type, class: event.class), default: 0] += 1
        }
        batch.add(SpoolRecord(notice, key: key, partition: message.partition), partition: message.partition)
        batch.notices.append(
            PendingNotice(key: key, partition: message.partition, epoch: message.epoch, entry: notice))
        return true
    }

    private static let delayNumbers = 2_000_000

    /// A message that no lane has room for, most often because its hosts do not answer, is told of like others.
    func tellDelay(of message: QueuedMessage) {
        guard requestDelayNotice(of: message, at: .now(), host: nil) else { return }
        if !message.isStored { message.entry.state = .parked }
        store(message)
    }
}
