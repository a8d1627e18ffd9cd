import DeliveryPolicy
import Logging
import MailModel
import NIOCore
import Spool

extension Dispatcher {
    /// A reverse-path for each recipient where the pool has them; never for a message without one (RFC 5321 §4.5.5).
    ///
    /// What we say of the message ourselves, in DSNs and events, keeps its own.
    func reversePaths(of message: QueuedMessage, from pool: String) -> [ReversePath]? {
        guard let template = settings.verp[pool], let sender = message.entry.reversePath.mailbox else { return nil }
        return message.entry.recipients.map { recipient in
            let path = template.reversePath(
                of: recipient.recipient.mailbox, index: recipient.recipient.index, queueID: message.entry.queueID,
                sender: sender)
            if let path { return .mailbox(path) }
            metrics.plainReversePath(pool: pool)
            if let count = unfitReversePaths.note(at: .now()) {
                logger.notice(
                    "reverse-paths of sender.verp would be too long; the message's own is used",
                    metadata: ["queue_id": "\(message.entry.queueID)", "pool": "\(pool)", "count": "\(count)"])
            }
            return message.entry.reversePath
        }
    }
}

/// Says once a minute how many reverse-paths did not fit.
struct UnfitReversePaths {
    private var count = 0
    private var said: NIODeadline?

    /// - Returns: How many since it was last said, when it is to be said.
    mutating func note(at now: NIODeadline) -> Int? {
        count += 1
        if let said, now - said < .minutes(1) { return nil }
        defer { (count, said) = (0, now) }
        return count
    }
}
