internal import MailModel
package import NIOCore

extension SpoolRecord {
    /// The `schedule` record of an entry; it keeps the `mail` record it refers to.
    ///
    /// - Parameters:
    ///   - key: The entry's own where `nil`. A notice needs one with its attempt.
    ///   - partition: That of the `mail` record.
    package init(_ entry: ScheduleEntry, key: ScheduleKey? = nil, partition: Int) {
        let key = key ?? .entry(entry.queueID, part: entry.part)
        self.init(.schedule, key: key.description, partition: partition, value: entry.encoded())
        reference = entry.offset
    }

    /// The tombstone that ends an entry.
    package init(ending key: ScheduleKey, partition: Int) {
        self.init(.schedule, key: key.description, partition: partition, value: nil)
    }
}

extension ScheduleEntry {
    package func encoded() -> ByteBuffer { WireScheduleEntry(self).wireEncoded() }

    package init(decoding bytes: ByteBuffer) throws(SpoolError) {
        self = try WireScheduleEntry(wire: bytes).entry()
    }
}

extension WireScheduleEntry {
    init(_ entry: ScheduleEntry) {
        let domain = entry.domain
        (queueIDHigh, queueIDLow) = (entry.queueID.high, entry.queueID.low)
        (part, parts) = (UInt32(clamping: entry.part), UInt32(clamping: entry.parts))
        state = UInt32(entry.state.rawValue)
        offset = entry.offset
        arrival = entry.arrival.milliseconds
        expiryAfterArrival = entry.expiry.milliseconds &- entry.arrival.milliseconds
        dueAfterArrival = entry.due.milliseconds &- entry.arrival.milliseconds
        self.domain = domain.name
        if let mailbox = entry.reversePath.mailbox {
            (reversePathLocalPart, reversePathDomain) = (mailbox.localPart, mailbox.domain.name)
        }
        if let envelopeID = entry.envelopeID { self.envelopeID = envelopeID }
        returnContent = UInt32(entry.returnContent?.rawValue ?? 0)
        if let wishes = WireWishes(entry.wishes) { self.wishes = wishes }
        if let messageID = entry.messageID { self.messageID = messageID }
        size = UInt64(clamping: entry.size)
        noFailureDsn = !entry.failureDSN
        smtpUtf8 = entry.smtpUTF8
        if let reason = entry.reason { self.reason = reason }
        recipients = entry.recipients.map { Remaining($0, of: domain) }
        isNotice = entry.isNotice
        isDelay = entry.isDelay
        if let remoteHost = entry.remoteHost { self.remoteHost = remoteHost }
        if let lastAttempt = entry.lastAttempt { self.lastAttempt = lastAttempt.milliseconds }
        if let lastCommand = entry.lastCommand { self.lastCommand = lastCommand.milliseconds }
        if let relay = entry.relay { self.relay = relay }
    }

    func entry() throws(SpoolError) -> ScheduleEntry {
        guard let state = ScheduleEntry.State(rawValue: Int(state)) else {
            throw SpoolError(.corrupt, "a schedule entry in the unknown state \(self.state)")
        }
        let domain = try WireText.domain(domain)
        let head = Envelope(
            reversePath: try WireText.reversePath(reversePathLocalPart, reversePathDomain),
            envelopeID: hasEnvelopeID ? envelopeID : nil, returnContent: try WireText.returnContent(returnContent),
            smtpUTF8: smtpUtf8)
        let record = MessageRecord(
            queueID: QueueID(high: queueIDHigh, low: queueIDLow), part: Int(part), parts: Int(parts),
            arrival: Timestamp(milliseconds: arrival), envelope: head, wishes: hasWishes ? wishes.wishes : Wishes(),
            messageID: hasMessageID ? messageID : nil, content: ByteBuffer())
        var entry = ScheduleEntry(
            record, at: offset, expiry: Timestamp(milliseconds: arrival &+ expiryAfterArrival))
        entry.state = state
        entry.due = Timestamp(milliseconds: arrival &+ dueAfterArrival)
        entry.size = Int(clamping: size)
        entry.failureDSN = !noFailureDsn
        entry.reason = hasReason ? reason : nil
        for remaining in recipients { entry.recipients.append(try remaining.recipient(of: domain)) }
        entry.isNotice = isNotice
        entry.isDelay = isDelay
        entry.remoteHost = hasRemoteHost ? remoteHost : nil
        entry.lastCommand = hasLastCommand ? Timestamp(milliseconds: lastCommand) : nil
        entry.relay = hasRelay ? relay : nil
        entry.lastAttempt = hasLastAttempt ? Timestamp(milliseconds: lastAttempt) : nil
        return entry
    }
}

extension WireScheduleEntry.Remaining {
    init(_ remaining: ScheduleEntry.Recipient, of domain: Domain) {
        recipient = WireRecipient(remaining.recipient, of: domain)
        attempts = UInt32(clamping: remaining.attempts)
        if let reply = remaining.lastReply { lastReply = WireReply(reply) }
        if let failure = remaining.lastFailure { lastFailure = failure }
        if let errorClass = remaining.errorClass { self.errorClass = errorClass }
        if let bounceClass = remaining.bounceClass { self.bounceClass = bounceClass }
        if let severity = remaining.severity { self.severity = severity }
        delayNotified = remaining.delayNotified
    }

    func recipient(of domain: Domain) throws(SpoolError) -> ScheduleEntry.Recipient {
        var result = ScheduleEntry.Recipient(try recipient.recipient(of: domain), attempts: Int(attempts))
        result.lastReply = hasLastReply ? try lastReply.reply() : nil
        result.lastFailure = hasLastFailure ? lastFailure : nil
        result.errorClass = hasErrorClass ? errorClass : nil
        result.bounceClass = hasBounceClass ? bounceClass : nil
        result.severity = hasSeverity ? severity : nil
        result.delayNotified = delayNotified
        return result
    }
}
