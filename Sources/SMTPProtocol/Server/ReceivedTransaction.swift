package import MailModel
package import NIOCore

/// A message as it came in: what `ServerSession` hands over at the end of the content.
package struct ReceivedTransaction: Sendable {
    package var envelope: Envelope
    /// Header section and body. Before the reader index lies free room for trace fields.
    package var content: ByteBuffer
    /// Argument of EHLO or HELO: printable ASCII without the specials of RFC 5322.
    package var ehlo: String
    package var isESMTP: Bool
    /// `nil` where the connection is in clear.
    package var tls: TLSFacts?

    /// Keyword of the `with` clause of the trace field (RFC 3848, RFC 6531 §4.3).
    package var transmissionType: StaticString {
        switch (isESMTP, envelope.smtpUTF8, tls != nil) {
        case (true, true, true): "UTF8SMTPS"
        case (true, true, false): "UTF8SMTP"
        case (true, false, true): "ESMTPS"
        case (true, false, false): "ESMTP"
        case (false, _, _): "SMTP"
        }
    }
}

/// The role's answer to one RCPT.
package enum RecipientVerdict: Sendable, Equatable {
    case accept
    /// Taken, and stands for so many recipients.
    case expand(Int)
    /// A reply of class 4 or 5.
    case refuse(ServerReply)
    /// The same, made for this recipient; 421 closes the connection.
    case decline(Reply)
}

/// The role's answer to one MAIL.
package enum SenderVerdict: Sendable, Equatable {
    case accept
    case refuse(ServerReply)
    /// As for a recipient.
    case decline(Reply)
}
