package import MailModel
import NIOCore

/// A reply as it came: its code is read, its text still bytes, because most replies are never looked at.
package struct WireReply {
    /// Code of the last line, 200–599.
    package let code: UInt16
    let lines: Int
    /// All lines with their codes and line ends.
    let bytes: ByteBuffer

    var replyClass: ReplyClass { ReplyClass(rawValue: UInt8(code / 100)) ?? .permanent }
    package var isPositive: Bool { replyClass == .positive }
    /// RFC 5321 §3.8: the server is about to close the connection.
    var isClosing: Bool { code == 421 }

    /// Calls `body` with the text of each line, without code, separator and line end.
    func forEachLine(_ body: (UnsafeRawBufferPointer.SubSequence) -> Void) {
        bytes.withUnsafeReadableBytes { bytes in
            var start = 0
            while start < bytes.count {
                var end = start
                while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
                var textEnd = end
                while textEnd > start, Self.isBlank(bytes[textEnd - 1]) { textEnd -= 1 }
                let textStart = min(start + 4, max(textEnd, start))
                body(bytes[min(textStart, textEnd)..<textEnd])
                start = end + 1
            }
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\t")
    }

    /// The reply as the rest of Apus knows it.
    ///
    /// The enhanced status code (RFC 2034) is read from the first line and taken off each line that repeats it; one
    /// whose class is not that of the reply code stays in the text. Control characters become `?`.
    package func reply() -> Reply {
        var detail: StatusDetail?
        var prefix = 0
        var isFirst = true
        let text = String(unsafeUninitializedCapacity: bytes.readableBytes) { out in
            var length = 0
            forEachLine { line in
                var line = line
                if isFirst {
                    if let found = Self.enhancedCode(line, class: UInt8(code / 100)) {
                        (detail, prefix) = (found.detail, found.length)
                    }
                } else {
                    out[length] = UInt8(ascii: "\n")
                    length += 1
                }
                isFirst = false
                if prefix > 0, let found = Self.enhancedCode(line, class: UInt8(code / 100)), found.detail == detail {
                    line = line.dropFirst(found.length)
                    if line.first == UInt8(ascii: " ") { line = line.dropFirst() }
                }
                for byte in line {
                    out[length] = byte < 0x20 || byte == 0x7F ? UInt8(ascii: "?") : byte
                    length += 1
                }
            }
            return length
        }
        return Reply(code, detail, text)
    }

    /// Reads `class "." subject "." detail` (RFC 3463 §2), of one and up to three digits, before a blank or the end.
    private static func enhancedCode(
        _ line: UnsafeRawBufferPointer.SubSequence, class digit: UInt8
    ) -> (detail: StatusDetail, length: Int)? {
        guard line.count >= 5, line[line.startIndex] == UInt8(ascii: "0") + digit,
            line[line.startIndex + 1] == UInt8(ascii: ".")
        else { return nil }
        var at = line.startIndex + 2
        guard let subject = number(line, &at), at < line.endIndex, line[at] == UInt8(ascii: ".") else { return nil }
        at += 1
        guard let detail = number(line, &at), at == line.endIndex || line[at] == UInt8(ascii: " ") else { return nil }
        return (StatusDetail(subject, detail), at - line.startIndex)
    }

    private static func number(_ line: UnsafeRawBufferPointer.SubSequence, _ at: inout Int) -> UInt16? {
        let start = at
        var value: UInt16 = 0
        while at < line.endIndex, at - start < 3, line[at] >= UInt8(ascii: "0"), line[at] <= UInt8(ascii: "9") {
            value = value * 10 + UInt16(line[at] - UInt8(ascii: "0"))
            at += 1
        }
        return at > start ? value : nil
    }
}
