internal import MailModel
internal import NIOCore

/// Puts the three parts of a notice together (RFC 6522): text for people, fields for programs, what came back.
struct NoticeWriter {
    private let notice: DeliveryStatusNotice
    private let boundary: String
    private let returned: ReturnedContent?

    init(_ notice: DeliveryStatusNotice) {
        self.notice = notice
        let returned = ReturnedContent(of: notice)
        self.returned = returned
        // A queue ID carries 80 random bits; a content that has the line all the same only moves the number.
        var attempt = 0
        var boundary = "apus-\(notice.queueID)-0"
        while let returned, returned.hasLine(startingWith: "--\(boundary)") {
            attempt += 1
            boundary = "apus-\(notice.queueID)-\(attempt)"
        }
        self.boundary = boundary
    }

    mutating func write() -> DeliveryStatusNotice.Message {
        var text = NoticeText(notice, returned: returned?.kind).write()
        var fields = NoticeFields(notice).write()
        let textIsASCII = text.readableBytesView.allSatisfy { $0 < 0x80 }
        let isASCII = textIsASCII && returned?.isASCII ?? true
        var buffer = header(isASCII: isASCII)
        buffer.writeString("This is a MIME-encapsulated message.\r\n")
        begin(
            "text/plain; charset=\(textIsASCII ? "us-ascii" : "utf-8")", "Notification", isASCII: textIsASCII, &buffer)
        buffer.writeBuffer(&text)
        begin("message/delivery-status", "Delivery report", isASCII: true, &buffer)
        buffer.writeBuffer(&fields)
        if let returned {
            begin(returned.mediaType, returned.kind.description, isASCII: returned.isASCII, &buffer)
            buffer.writeImmutableBuffer(returned.bytes)
            if !returned.endsLine { buffer.writeStaticString("\r\n") }
        }
        buffer.writeString("\r\n--\(boundary)--\r\n")
        return DeliveryStatusNotice.Message(
            content: buffer, messageID: messageID, body: isASCII ? .sevenBit : .eightBitMIME,
            smtpUTF8: notice.to.needsSMTPUTF8)
    }

    private var host: String { FieldText.printable(notice.host, limit: 255) }
    private var messageID: String { "<\(notice.queueID)@\(host)>" }

    private func header(isASCII: Bool) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(4096 + (returned?.bytes.readableBytes ?? 0))
        var writer = FieldWriter(into: buffer)
        writer.field("From", "Mail Delivery System <MAILER-DAEMON@\(host)>")
        writer.field("To", "<\(notice.to)>")
        writer.field("Subject", subject)
        writer.field("Date", notice.date.mailDate)
        writer.field("Message-ID", messageID)
        if let original = notice.originalMessageID {
            writer.field("In-Reply-To", FieldText.printable(original, limit: 900))
            writer.field("References", FieldText.printable(original, limit: 900))
        }
        writer.field("Auto-Submitted", "auto-replied")
        writer.field("MIME-Version", "1.0")
        writer.field("Content-Type", "multipart/report; report-type=delivery-status; boundary=\"\(boundary)\"")
        if !isASCII { writer.field("Content-Transfer-Encoding", "8bit") }
        writer.end()
        return writer.finish()
    }

    private var subject: String {
        switch notice.action {
        case .failed: "Undelivered Mail Returned to Sender"
        case .delayed: "Delayed Mail (still being retried)"
        case .delivered, .relayed: "Successful Mail Delivery Report"
        }
    }

    private func begin(_ type: String, _ description: String, isASCII: Bool, _ buffer: inout ByteBuffer) {
        buffer.writeString("\r\n--\(boundary)\r\nContent-Type: \(type)\r\nContent-Description: \(description)\r\n")
        if !isASCII { buffer.writeStaticString("Content-Transfer-Encoding: 8bit\r\n") }
        buffer.writeStaticString("\r\n")
    }
}
