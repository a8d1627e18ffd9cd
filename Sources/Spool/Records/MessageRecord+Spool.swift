package import MailModel
internal import NIOCore

extension SpoolRecord {
    /// The `mail` record of one part of a message; the content is shared, not copied.
    ///
    /// - Parameter key: The destination with its spread suffix; without one, the destination.
    package init(_ message: MessageRecord, key: String? = nil) {
        self.init(
            .mail, key: key ?? message.domain.name, envelope: WireMailEnvelope(message).wireEncoded(),
            value: message.content)
    }
}

extension MessageRecord {
    /// Reads a `mail` record back.
    ///
    /// - Throws: `.corrupt` for what cannot be read; `.foreign` for content in an encoding this version does not know.
    package init(_ stored: StoredRecord) throws(SpoolError) {
        guard let envelope = stored.envelope, let content = stored.value else {
            throw SpoolError(.corrupt, "a mail record without envelope or content at \(stored.position)")
        }
        self = try WireMailEnvelope(wire: envelope).message(content: content)
    }
}

extension WireMailEnvelope {
    init(_ message: MessageRecord) {
        let domain = message.domain
        (queueIDHigh, queueIDLow) = (message.queueID.high, message.queueID.low)
        (part, parts) = (UInt32(clamping: message.part), UInt32(clamping: message.parts))
        arrival = message.arrival.milliseconds
        self.domain = domain.name
        if let mailbox = message.envelope.reversePath.mailbox {
            (reversePathLocalPart, reversePathDomain) = (mailbox.localPart, mailbox.domain.name)
        }
        recipients = message.envelope.recipients.map { WireRecipient($0, of: domain) }
        if let envelopeID = message.envelope.envelopeID { self.envelopeID = envelopeID }
        returnContent = UInt32(message.envelope.returnContent?.rawValue ?? 0)
        body = UInt32(message.envelope.body.rawValue)
        smtpUtf8 = message.envelope.smtpUTF8
        if let messageID = message.messageID { self.messageID = messageID }
        if let wishes = WireWishes(message.wishes) { self.wishes = wishes }
        origin = WireOrigin(message.origin)
        size = UInt64(clamping: message.content.readableBytes)
    }

    func message(content: ByteBuffer) throws(SpoolError) -> MessageRecord {
        guard contentEncoding.isEmpty, keyID.isEmpty else {
            throw SpoolError(.foreign, "content in the unknown encoding \(contentEncoding), key \(keyID)")
        }
        guard size == UInt64(clamping: content.readableBytes) else {
            throw SpoolError(.corrupt, "content of \(content.readableBytes) octets where \(size) were written")
        }
        guard let body = UInt8(exactly: body).flatMap(BodyType.init) else {
            throw SpoolError(.corrupt, "a mail record with BODY \(self.body)")
        }
        let domain = try WireText.domain(domain)
        var recipients: [Recipient] = []
        recipients.reserveCapacity(self.recipients.count)
        for recipient in self.recipients { recipients.append(try recipient.recipient(of: domain)) }
        let envelope = Envelope(
            reversePath: try WireText.reversePath(reversePathLocalPart, reversePathDomain), recipients: recipients,
            envelopeID: hasEnvelopeID ? envelopeID : nil, returnContent: try WireText.returnContent(returnContent),
            body: body, smtpUTF8: smtpUtf8)
        return MessageRecord(
            queueID: QueueID(high: queueIDHigh, low: queueIDLow), part: Int(part), parts: Int(parts),
            arrival: Timestamp(milliseconds: arrival), envelope: envelope,
            wishes: hasWishes ? wishes.wishes : Wishes(), origin: origin.origin,
            messageID: hasMessageID ? messageID : nil, content: content)
    }
}

extension WireOrigin {
    init(_ origin: Origin) {
        if let address = origin.clientAddress { clientAddress = address }
        if let ehlo = origin.ehlo { self.ehlo = ehlo }
        if let user = origin.user { self.user = user }
        if let listener = origin.listener { self.listener = listener }
        if let session = origin.session { self.session = session }
        node = origin.node
        if let facts = origin.tls {
            var wire = WireOrigin.TLSFacts()
            wire.version = facts.version
            if let cipher = facts.cipher { wire.cipher = cipher }
            if let policy = facts.policy { wire.policy = policy }
            if let verified = facts.verified { wire.verified = verified }
            tls = wire
        }
        noFailureDsn = !origin.failureDSN
    }

    var origin: Origin {
        var origin = Origin()
        if hasClientAddress { origin.clientAddress = clientAddress }
        if hasEhlo { origin.ehlo = ehlo }
        if hasUser { origin.user = user }
        if hasListener { origin.listener = listener }
        if hasSession { origin.session = session }
        origin.node = node
        if hasTls {
            origin.tls = MailModel.TLSFacts(
                version: tls.version, cipher: tls.hasCipher ? tls.cipher : nil,
                policy: tls.hasPolicy ? tls.policy : nil, verified: tls.hasVerified ? tls.verified : nil)
        }
        origin.failureDSN = !noFailureDsn
        return origin
    }
}
