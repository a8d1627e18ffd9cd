import DeliveryPolicy
import Logging
import MailModel
import NodeRuntime
import Spool

extension Dispatcher {
    /// Ends the recipients that the suppression list names.
    ///
    /// - Returns: False where there is none. Otherwise the message has ended or, for its other recipients, waits to be
    ///   placed again: they then have a schedule record of their own.
    func suppress(_ message: QueuedMessage) -> Bool {
        guard suppressions.count > 0 else { return false }
        let (now, tenant) = (Timestamp.now(), message.entry.wishes.tenant)
        let matches = message.entry.recipients.map { recipient in
            suppressions.match(recipient.recipient.mailbox, tenant: tenant, at: now)
        }
        guard matches.contains(where: { $0 != nil }) else { return false }
        var settlement = Settlement()
        for (recipient, match) in zip(message.entry.recipients, matches) {
            guard let match else {
                settlement.remaining.append(recipient)
                continue
            }
            var event = events.event(.suppressed, message, recipient, at: now)
            event.class = BounceClass.other.rawValue
            event.reason = match.text
            event.actor = match.note.actor
            settlement.events.append(event)
            settlement.ends[\.suppressed, default: 0] += 1
            if settings.suppression.dsn {
                var told = recipient
                told.lastReply = Reply(550, StatusDetail(7, 1), match.text)
                settlement.failed.append(told)
                // The others go on: their attempts have DSNs of their own, and no recipient is suppressed twice.
                settlement.noticeNumber = settlement.noticeNumber ?? 1_000_000 + recipient.recipient.index
            }
        }
        settlement.due = now
        apply(settlement, to: message)
        return true
    }

    /// Adds the addresses that an attempt has shown to be bad, in the transaction of its outcomes.
    func suppressHardBounces(of message: QueuedMessage, _ attempt: Attempt) {
        let rules = settings.suppression
        guard rules.hardBounces else { return }
        for (recipient, outcome) in zip(message.entry.recipients, attempt.outcomes) {
            guard case .failed(let failure, let disposition) = outcome, disposition.condemnsAddress,
                rules.classes.contains(where: { $0.rawValue == disposition.bounceClass.rawValue }),
                // What was said of a message with several recipients condemns none of them.
                disposition.scope == .recipient || disposition.scope == .message && attempt.outcomes.count == 1
            else { continue }
            let tenant = rules.scope == .tenant ? message.entry.wishes.tenant : nil
            let key = SuppressionKey(tenant: tenant, SuppressionTarget(recipient.recipient.mailbox))
            // An entry that somebody made stands, with its reason and expiry.
            if let entry = suppressions.entry(key), entry.note.source != .hardBounce { continue }
            guard SuppressionKey(key.description) == key else {
                logger.warning(
                    "an address cannot be written into the suppression list",
                    metadata: ["queue_id": "\(message.entry.queueID)"])
                continue
            }
            let now = Timestamp.now()
            var suppression = Suppression(
                key, .hardBounce, created: now, expiry: now + rules.expiry,
                reason: "hard bounce, \(disposition.bounceClass.rawValue)")
            suppression.bounceClass = disposition.bounceClass.rawValue
            suppression.reply = String((failure.reply?.description ?? failure.text).prefix(500))
            suppression.queueID = message.entry.queueID
            batch.add(SpoolRecord(.suppression(suppression)), partition: message.partition)
        }
    }
}

extension SuppressionSet.Match {
    /// For events: which entry, and why it is there.
    var text: String {
        let what = key.target.isMailbox ? "the address" : "\(key.target)"
        return "\(what) is suppressed (\(note.source.rawValue))" + (note.reason.map { ": \($0)" } ?? "")
    }
}
