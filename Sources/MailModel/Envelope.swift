/// What MAIL and RCPT said (RFC 5321 §2.3.1), with the DSN parameters of RFC 3461.
package struct Envelope: Equatable, Sendable {
    package var reversePath: ReversePath
    package var recipients: [Recipient]
    /// ENVID, decoded from xtext (RFC 3461 §4.4).
    package var envelopeID: String?
    /// RET; `nil` leaves the choice to the node that writes the DSN.
    package var returnContent: ReturnContent?
    package var body: BodyType
    /// SMTPUTF8 was given with MAIL (RFC 6531).
    package var smtpUTF8: Bool

    package init(
        reversePath: ReversePath, recipients: [Recipient] = [], envelopeID: String? = nil,
        returnContent: ReturnContent? = nil, body: BodyType = .sevenBit, smtpUTF8: Bool = false
    ) {
        self.reversePath = reversePath
        self.recipients = recipients
        self.envelopeID = envelopeID
        self.returnContent = returnContent
        self.body = body
        self.smtpUTF8 = smtpUTF8
    }
}

/// One RCPT of an envelope.
package struct Recipient: Equatable, Sendable {
    package var mailbox: Mailbox
    /// Its place among all recipients of the message, from 0, over all parts.
    package var index: Int
    /// NOTIFY; `nil` where it was not given, which means failure and, where offered, delay (RFC 3461 §4.1).
    package var notify: Notify?
    /// ORCPT as `addr-type;address`, the address decoded from xtext (RFC 3461 §4.2).
    package var originalRecipient: String?

    package init(mailbox: Mailbox, index: Int, notify: Notify? = nil, originalRecipient: String? = nil) {
        self.mailbox = mailbox
        self.index = index
        self.notify = notify
        self.originalRecipient = originalRecipient
    }

    package var wantsFailureNotice: Bool { notify.map { $0.contains(.failure) } ?? true }
}

/// NOTIFY of RFC 3461 §4.1. NEVER is the empty set.
package struct Notify: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let success = Notify(rawValue: 1)
    package static let failure = Notify(rawValue: 2)
    package static let delay = Notify(rawValue: 4)
    package static let never: Notify = []
}

/// RET of RFC 3461 §4.3.
package enum ReturnContent: UInt8, Sendable { case full = 1, headers = 2 }

/// BODY of RFC 6152 and RFC 3030.
package enum BodyType: UInt8, Sendable { case sevenBit = 0, eightBitMIME = 1, binaryMIME = 2 }
