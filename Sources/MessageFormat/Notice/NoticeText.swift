internal import MailModel
internal import NIOCore

/// The part of a notice that its reader sees: what happened, to whom, and what can be done.
struct NoticeText {
    private static let lineLength = 76

    private let notice: DeliveryStatusNotice
    private let returned: ReturnedContent.Kind?
    private var buffer = ByteBuffer()

    init(_ notice: DeliveryStatusNotice, returned: ReturnedContent.Kind?) {
        self.notice = notice
        self.returned = returned
    }

    func write() -> ByteBuffer {
        var copy = self
        copy.paragraph("This is the mail system at host \(FieldText.printable(notice.host, limit: 255)).")
        copy.paragraph(copy.introduction)
        if let returned { copy.paragraph(returned.announcement) }
        for recipient in notice.recipients { copy.write(recipient) }
        copy.write(facts: [
            ("Accepted", notice.arrival.mailDate),
            ("Queue ID", notice.originalQueueID.description),
            ("Message-ID", notice.originalMessageID ?? ""),
        ])
        return copy.buffer
    }

    private var introduction: String {
        let many = notice.recipients.count > 1
        switch notice.action {
        case .failed:
            return "Your message could not be delivered to "
                + (many ? "the recipients below," : "the recipient below,")
                + " and no further attempt will be made. The reply of the other mail system usually says what is"
                + " wrong; if it does not help you, send this whole notice to your postmaster."
        case .delayed:
            return "Your message has not been delivered yet to "
                + (many ? "the recipients below." : "the recipient below.")
                + " Attempts go on; you need not do anything, and need not send it again."
        case .delivered:
            return "Your message was delivered to " + (many ? "the recipients below." : "the recipient below.")
        case .relayed:
            return "Your message was handed to the next mail system for "
                + (many ? "the recipients below," : "the recipient below,")
                + " which may not report what becomes of it."
        }
    }

    private mutating func write(_ recipient: DeliveryStatusNotice.Recipient) {
        buffer.writeString("<\(recipient.mailbox)>\r\n")
        if let original = recipient.originalRecipient, let address = original.split(separator: ";", maxSplits: 1).last,
            address != recipient.mailbox.description
        {
            paragraph("originally to \(Self.clean(String(address), limit: 500))", indent: 4, isLast: true)
        }
        let host = recipient.remoteHost.map { Self.clean($0, limit: 300) }
        if let reply = recipient.reply {
            let text = Self.clean(reply.description, limit: 1000)
            paragraph(host.map { "host \($0) said: \(text)" } ?? text, indent: 4, isLast: true)
        } else if let reason = recipient.reason {
            let text = Self.clean(reason, limit: 1000)
            paragraph(host.map { "host \($0): \(text)" } ?? text, indent: 4, isLast: true)
        }
        if recipient.action == .delayed, let end = recipient.willRetryUntil {
            paragraph("will be tried until \(end.mailDate)", indent: 4, isLast: true)
        }
        buffer.writeStaticString("\r\n")
    }

    private mutating func write(facts: [(name: String, value: String)]) {
        for (name, value) in facts where !value.isEmpty {
            let padding = String(repeating: " ", count: 12 - name.utf8.count)
            buffer.writeString("\(name):\(padding)\(Self.clean(value, limit: 900))\r\n")
        }
    }

    /// Wraps at blanks, a column a byte; a word too long for a line has one of its own.
    private mutating func paragraph(_ text: String, indent: Int = 0, isLast: Bool = false) {
        var column = 0
        for word in text.split(separator: " ") {
            if column > 0, column + 1 + word.utf8.count > Self.lineLength {
                buffer.writeStaticString("\r\n")
                column = 0
            }
            if column == 0 {
                buffer.writeRepeatingByte(UInt8(ascii: " "), count: indent)
                column = indent
            } else {
                buffer.writeStaticString(" ")
                column += 1
            }
            // A line holds 998 bytes (RFC 5322 §2.1.1), whatever a peer packed into a word.
            let piece = word.utf8.count <= 900 ? word : Substring(word.unicodeScalars.prefix(200))
            buffer.writeSubstring(piece)
            column += piece.utf8.count
        }
        buffer.writeStaticString("\r\n")
        if !isLast { buffer.writeStaticString("\r\n") }
    }

    /// Without control characters; a peer's text may be UTF-8 (RFC 6531 §3.7.4.2).
    private static func clean(_ text: String, limit: Int) -> String {
        var result = ""
        for scalar in text.unicodeScalars.prefix(limit) {
            let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
            result.unicodeScalars.append(isControl ? " " : scalar)
        }
        return result
    }
}
