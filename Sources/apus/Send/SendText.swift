import Foundation
import MailModel
import NIOCore

/// Text of a message as it has to be on the wire.
enum SendText {
    /// Ends every line, the last one too, in CRLF.
    static func normalized(_ text: ByteBuffer) -> ByteBuffer {
        var lines = ByteBufferAllocator().buffer(capacity: text.readableBytes + text.readableBytes / 32 + 2)
        let bytes = text.readableBytesView
        var start = bytes.startIndex
        while start < bytes.endIndex {
            let end = bytes[start...].firstIndex { $0 == 0x0D || $0 == 0x0A } ?? bytes.endIndex
            lines.writeBytes(bytes[start..<end])
            lines.writeStaticString("\r\n")
            let isCRLF = end + 1 < bytes.endIndex && bytes[end] == 0x0D && bytes[end + 1] == 0x0A
            start = end + (isCRLF ? 2 : 1)
        }
        return lines
    }

    /// Appends `count` octets of text in lines; 1 octet cannot be a line, and is left out.
    static func fill(_ content: inout ByteBuffer, _ count: Int) {
        let line = String(repeating: "0123456789abcdefghijklmnopqrstuvwxyz", count: 3)
        var rest = count
        while rest >= 2 {
            let length = rest >= 76 ? 74 : rest
            content.writeString(String(line.prefix(length - 2)))
            content.writeStaticString("\r\n")
            rest -= length
        }
    }

    /// RFC 5322 §3.3, in UTC.
    static func date(_ date: Date) -> String {
        let time = CivilTime(Timestamp(milliseconds: Int64(date.timeIntervalSince1970 * 1000)))
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return """
            \(days[time.weekday]), \(two(time.day)) \(months[time.month - 1]) \(time.year) \
            \(two(time.hour)):\(two(time.minute)):\(two(time.second)) +0000
            """
    }

    /// Unstructured text; beyond ASCII as encoded words of up to 75 characters (RFC 2047 §2).
    static func encoded(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 >= 0x80 }) else { return text }
        var words: [String] = []
        var chunk = ""
        func flush() {
            words.append("=?utf-8?B?\(Data(chunk.utf8).base64EncodedString())?=")
            chunk = ""
        }
        for character in text.unicodeScalars {
            if chunk.utf8.count + String(character).utf8.count > 45 { flush() }
            chunk.unicodeScalars.append(character)
        }
        if !chunk.isEmpty { flush() }
        return words.joined(separator: "\r\n ")
    }
}
