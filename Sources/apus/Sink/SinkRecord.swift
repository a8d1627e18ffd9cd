import MailModel
import MessageFormat
import NIOCore
import SMTPProtocol
import SMTPTransport

/// What is told of an accepted message.
struct SinkRecord {
    var time: Timestamp
    var transaction: ReceivedTransaction
    var client: ClientInfo
    var section: HeaderSection
    /// Octets of the header section shown, and of a value.
    private static let shownLimit = 1_000_000
    private static let valueLimit = 998

    /// One line of JSON with its line end.
    ///
    /// - Parameter names: Header fields to be told; the first of each name is.
    func json(headers names: [String]) -> ByteBuffer {
        var writer = JSONObjectWriter(into: ByteBuffer())
        writer.field("time", time.description)
        writer.field("reverse_path", transaction.envelope.reversePath.description)
        writer.field("size", transaction.content.readableBytes)
        writer.field("message_id", section.messageIDText(in: transaction.content))
        writer.object("client") { client in
            client.field("address", self.client.address)
            client.field("ehlo", transaction.ehlo)
        }
        writer.field("session", client.sessionID)
        writer.field("tls", transaction.tls?.version)
        var buffer = writer.finish()
        buffer.moveWriterIndex(to: buffer.writerIndex - 1)
        buffer.writeStaticString(",\"recipients\":[")
        for (index, recipient) in transaction.envelope.recipients.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            Self.write(recipient.mailbox.description, into: &buffer)
        }
        buffer.writeStaticString("]")
        writeHeaders(names, into: &buffer)
        buffer.writeStaticString("}\n")
        return buffer
    }

    private func writeHeaders(_ names: [String], into buffer: inout ByteBuffer) {
        var separator: StaticString = ",\"headers\":{"
        for name in names {
            guard let value = value(of: name) else { continue }
            buffer.writeStaticString(separator)
            separator = ","
            Self.write(name, into: &buffer)
            buffer.writeStaticString(":")
            Self.write(value, into: &buffer)
        }
        if separator.utf8CodeUnitCount == 1 { buffer.writeStaticString("}") }
    }

    /// Value of the first field of that name, unfolded (RFC 5322 §2.2.3), blanks around it cut off.
    private func value(of name: String) -> String? {
        let bytes = transaction.content.readableBytesView
        func slice(_ range: Range<Int>) -> ByteBufferView { bytes.dropFirst(range.lowerBound).prefix(range.count) }
        let field = section.listed.first {
            String(decoding: slice($0.name), as: UTF8.self).lowercased() == name.lowercased()
        }
        guard let field else { return nil }
        let unfolded: [UInt8] = slice(field.value).prefix(Self.valueLimit).filter { $0 != 0x0D && $0 != 0x0A }
        return String(decoding: unfolded.trimmed, as: UTF8.self)
    }

    /// Envelope, then header section or whole content with line feeds, without what would steer a terminal.
    func text(isFull: Bool) -> ByteBuffer {
        let recipients = transaction.envelope.recipients.map { "<\($0.mailbox)>" }.joined(separator: " ")
        var buffer = ByteBuffer()
        buffer.writeString(
            """
            --- \(time) \(client.address) \(transaction.ehlo) \(transaction.content.readableBytes) octets
            MAIL <\(transaction.envelope.reversePath)>
            RCPT \(recipients)\n\n
            """)
        let end = isFull ? transaction.content.readableBytes : min(section.fieldsEnd, Self.shownLimit)
        for byte in transaction.content.readableBytesView.prefix(end) where byte != 0x0D {
            let isShown = byte >= 0x20 && byte != 0x7F || byte == 0x0A || byte == 0x09
            buffer.writeInteger(isShown ? byte : UInt8(ascii: "?"))
        }
        buffer.writeStaticString("\n")
        return buffer
    }

    /// A JSON string (RFC 8259 §7).
    private static func write(_ text: String, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("\"")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                buffer.writeStaticString("\\")
                buffer.writeInteger(byte)
            case 0..<0x20:
                buffer.writeStaticString(byte < 16 ? "\\u000" : "\\u001")
                buffer.writeString(String(byte & 15, radix: 16))
            default: buffer.writeInteger(byte)
            }
        }
        buffer.writeStaticString("\"")
    }
}

extension Array<UInt8> {
    /// Without blanks at either end.
    fileprivate var trimmed: ArraySlice<UInt8> {
        let rest = drop { $0 <= 0x20 }
        return rest.prefix((rest.lastIndex { $0 > 0x20 } ?? rest.startIndex - 1) + 1 - rest.startIndex)
    }
}
