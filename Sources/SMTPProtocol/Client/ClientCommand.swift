import MailModel
import NIOCore

/// Writes the commands of a client as bytes, with the parameters the server offers.
enum ClientCommand {
    /// RFC 3461 §4.4 and §4.2.
    private static let maxEnvelopeID = 100
    private static let maxOriginalRecipient = 500

    static func greeting(_ verb: StaticString, name: String, into out: inout ByteBuffer) {
        out.writeStaticString(verb)
        out.writeString(name)
        out.writeStaticString("\r\n")
    }

    /// - Parameter needsUTF8: The transaction has to be declared with SMTPUTF8.
    static func mail(
        _ transaction: OutboundTransaction, needsUTF8: Bool, offered: OfferedExtensions, into out: inout ByteBuffer
    ) {
        out.writeStaticString("MAIL FROM:<")
        if let mailbox = transaction.reversePath.mailbox { write(mailbox, into: &out) }
        out.writeStaticString(">")
        if offered.contains(.size), !transaction.isProbe {
            out.writeStaticString(" SIZE=")
            writeDecimal(transaction.size, into: &out)
        }
        if offered.contains(.eightBitMIME), transaction.body == .eightBitMIME {
            out.writeStaticString(" BODY=8BITMIME")
        }
        if needsUTF8, offered.contains(.smtpUTF8) { out.writeStaticString(" SMTPUTF8") }
        if offered.contains(.dsn) {
            switch transaction.returnContent {
            case .full: out.writeStaticString(" RET=FULL")
            case .headers: out.writeStaticString(" RET=HDRS")
            case nil: break
            }
            if let envelopeID = transaction.envelopeID {
                writeXtext(" ENVID=", plain: "", envelopeID.utf8[...], limit: maxEnvelopeID, into: &out)
            }
        }
        out.writeStaticString("\r\n")
    }

    static func rcpt(_ recipient: Recipient, offered: OfferedExtensions, into out: inout ByteBuffer) {
        out.writeStaticString("RCPT TO:<")
        write(recipient.mailbox, into: &out)
        out.writeStaticString(">")
        if offered.contains(.dsn) {
            if let notify = recipient.notify { write(notify, into: &out) }
            if let original = recipient.originalRecipient, let type = original.utf8.firstIndex(of: UInt8(ascii: ";")) {
                let address = original.utf8[original.utf8.index(after: type)...]
                let plain = String(original[...type])
                writeXtext(" ORCPT=", plain: plain, address, limit: maxOriginalRecipient, into: &out)
            }
        }
        out.writeStaticString("\r\n")
    }

    /// Whether a mailbox can stand in a command: no control character may end the line.
    static func isWritable(_ mailbox: Mailbox) -> Bool {
        mailbox.localPart.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
            && mailbox.domain.name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: ">") }
    }

    private static func write(_ mailbox: Mailbox, into out: inout ByteBuffer) {
        if isDotString(mailbox.localPart) {
            out.writeString(mailbox.localPart)
        } else {
            out.writeStaticString("\"")
            for byte in mailbox.localPart.utf8 {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { out.writeStaticString("\\") }
                out.writeInteger(byte)
            }
            out.writeStaticString("\"")
        }
        out.writeStaticString("@")
        out.writeString(mailbox.domain.name)
    }

    /// RFC 5321 §4.1.2, with the octets RFC 6531 adds.
    private static func isDotString(_ text: String) -> Bool {
        var previous = UInt8(ascii: ".")
        for byte in text.utf8 {
            if byte == UInt8(ascii: ".") {
                if previous == byte { return false }
            } else if !isAtomByte(byte) {
                return false
            }
            previous = byte
        }
        return previous != UInt8(ascii: ".")
    }

    private static func isAtomByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
            true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "/"),
            UInt8(ascii: "="), UInt8(ascii: "?"), UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"),
            UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func write(_ notify: Notify, into out: inout ByteBuffer) {
        guard notify != .never else {
            out.writeStaticString(" NOTIFY=NEVER")
            return
        }
        out.writeStaticString(" NOTIFY=")
        var separator: StaticString = ""
        let names: [(Notify, StaticString)] = [(.success, "SUCCESS"), (.failure, "FAILURE"), (.delay, "DELAY")]
        for (element, name) in names where notify.contains(element) {
            out.writeStaticString(separator)
            out.writeStaticString(name)
            separator = ","
        }
    }

    /// Writes a parameter in xtext (RFC 3461 §4); leaves it out where it is empty or would be longer than allowed.
    private static func writeXtext(
        _ name: StaticString, plain: String, _ value: String.UTF8View.SubSequence, limit: Int,
        into out: inout ByteBuffer
    ) {
        let before = out.writerIndex
        out.writeStaticString(name)
        let start = out.writerIndex
        out.writeString(plain)
        for byte in value {
            if byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "+"), byte != UInt8(ascii: "=") {
                out.writeInteger(byte)
            } else {
                out.writeInteger(UInt8(ascii: "+"))
                out.writeInteger(hexDigit(byte >> 4))
                out.writeInteger(hexDigit(byte & 15))
            }
            if out.writerIndex - start > limit { break }
        }
        if value.isEmpty || out.writerIndex - start > limit { out.moveWriterIndex(to: before) }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    private static func writeDecimal(_ value: Int, into out: inout ByteBuffer) {
        var divisor = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            out.writeInteger(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }
}
