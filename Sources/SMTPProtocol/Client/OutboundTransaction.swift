package import MailModel
package import NIOCore

/// One mail to be sent in a session: an envelope and the content it goes with.
package struct OutboundTransaction: Sendable {
    package var reversePath: ReversePath
    /// One or more.
    package var recipients: [Recipient]
    /// Header section and body with CRLF line ends, not dot-stuffed.
    package var content: ByteBuffer
    /// Whole header fields that go before the content, which is not copied for them.
    package var prefix = ByteBuffer()
    /// The message came with SMTPUTF8 (RFC 6531).
    package var smtpUTF8: Bool
    package var body: BodyType
    /// ENVID, decoded (RFC 3461 §4.4).
    package var envelopeID: String?
    package var returnContent: ReturnContent?
    /// Ends after RCPT, whose replies are the results; there is no content.
    package var isProbe: Bool

    /// Octets of prefix and content.
    package var size: Int { prefix.readableBytes + content.readableBytes }

    package init(
        reversePath: ReversePath, recipients: [Recipient], content: ByteBuffer, smtpUTF8: Bool = false,
        body: BodyType = .sevenBit, envelopeID: String? = nil, returnContent: ReturnContent? = nil,
        isProbe: Bool = false
    ) {
        self.reversePath = reversePath
        self.recipients = recipients
        self.content = content
        self.smtpUTF8 = smtpUTF8
        self.body = body
        self.envelopeID = envelopeID
        self.returnContent = returnContent
        self.isProbe = isProbe
    }
}

/// What one transaction did to one of its recipients.
package enum RecipientResult: Equatable, Sendable {
    /// The next host took responsibility with this reply.
    case delivered(Reply)
    case failed(Failure)

    package var failure: Failure? {
        if case .failed(let failure) = self { failure } else { nil }
    }
}

/// What became of a transaction.
package struct TransactionResult: Equatable, Sendable {
    /// In the order of `OutboundTransaction.recipients`.
    package var perRecipient: [RecipientResult]
    /// The session can take another transaction.
    package var connectionUsable: Bool

    package init(perRecipient: [RecipientResult], connectionUsable: Bool) {
        self.perRecipient = perRecipient
        self.connectionUsable = connectionUsable
    }
}
