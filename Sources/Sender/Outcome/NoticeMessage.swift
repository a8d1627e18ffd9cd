import Crypto
import MailModel
import MessageFormat
import NIOCore
import Spool

/// Turns a schedule entry that stands for a DSN into the message that carries it.
enum NoticeMessage {
    /// - Parameter original: Content of the message the DSN is about; `nil` returns nothing of it.
    static func make(_ notice: PendingNotice, original: ByteBuffer?, settings: Dispatcher.Settings) -> MessageRecord {
        let entry = notice.entry
        let written = entry.isDelay ? entry.due : entry.lastAttempt ?? entry.due
        let to = entry.reversePath.mailbox ?? Mailbox(localPart: "postmaster", domain: settings.hostname)
        let queueID = identity(notice.key, at: written)
        var status = DeliveryStatusNotice(
            queueID: queueID, date: written, host: settings.hostname.name, to: to,
            recipients: entry.recipients.map { recipient($0, entry) }, originalQueueID: entry.queueID,
            arrival: entry.arrival)
        status.envelopeID = entry.envelopeID
        status.returnContent = entry.returnContent ?? settings.noticeReturn
        status.originalMessageID = entry.messageID
        status.originalIsInternationalized = entry.smtpUTF8
        status.content = original
        let message = status.write()
        var origin = Origin()
        origin.node = settings.node
        origin.failureDSN = false
        var record = MessageRecord(
            queueID: queueID, part: 0, parts: 1, arrival: written,
            envelope: Envelope(
                reversePath: .null, recipients: [Recipient(mailbox: to, index: 0, notify: .never)],
                body: message.body, smtpUTF8: message.smtpUTF8),
            origin: origin, messageID: message.messageID, content: message.content)
        record.wishes.tenant = entry.wishes.tenant
        return record
    }

    private static func recipient(
        _ recipient: ScheduleEntry.Recipient, _ entry: ScheduleEntry
    ) -> DeliveryStatusNotice.Recipient {
        var told = DeliveryStatusNotice.Recipient(recipient.recipient.mailbox, entry.isDelay ? .delayed : .failed)
        told.originalRecipient = recipient.recipient.originalRecipient
        told.remoteHost = entry.remoteHost
        told.reply = recipient.lastReply
        told.reason = recipient.lastReply == nil ? recipient.lastFailure ?? (entry.isDelay ? entry.reason : nil) : nil
        told.lastAttempt = entry.lastAttempt
        told.willRetryUntil = entry.isDelay ? entry.expiry : nil
        return told
    }

    /// The same entry makes the same queue ID, so that a repeated DSN can be told from another one.
    private static func identity(_ key: ScheduleKey, at time: Timestamp) -> QueueID {
        var words: [UInt64] = [0, 0]
        for (index, byte) in SHA256.hash(data: Array(key.description.utf8)).prefix(16).enumerated() {
            words[index / 8] = words[index / 8] << 8 | UInt64(byte)
        }
        return QueueID(high: UInt64(bitPattern: time.milliseconds) << 16 | words[0] & 0xFFFF, low: words[1])
    }
}
