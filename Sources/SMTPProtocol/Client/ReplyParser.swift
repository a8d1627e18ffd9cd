package import NIOCore

/// Cuts the bytes of a server into replies (RFC 5321 §4.2.1), one at a time, at whatever places they were split.
///
/// It remembers what it has looked at, so that a reply that comes byte by byte is read once. A line may end in a bare
/// LF: replies carry no mail, so nothing can be smuggled in by it, and such servers exist.
package struct ReplyParser {
    /// RFC 5321 §4.5.3.1.5 allows 512 octets a line; a few servers send more.
    static let maxLineLength = 4096
    static let maxLines = 128
    static let maxLength = 16 * 1024

    package enum Step {
        case incomplete
        case reply(WireReply)
        /// The bytes are no reply, or more than one may have; nothing after them can be understood.
        case violation(String)
    }

    /// Offsets from the reader index: start of the line being read, and bytes already searched for its end.
    private var lineStart = 0
    private var searched = 0
    private var lines = 0
    private var codeClass: UInt8 = 0

    package init() {}

    private enum Scan {
        case incomplete
        case complete(code: UInt16, length: Int)
        case violation(String)
    }

    /// Takes one whole reply off the front of `input`; leaves `input` alone while it is incomplete.
    package mutating func next(_ input: inout ByteBuffer) -> Step {
        switch scan(input.readableBytesUInt8Span) {
        case .incomplete:
            return .incomplete
        case .violation(let text):
            return .violation(text)
        case .complete(let code, let length):
            let count = lines
            self = ReplyParser()
            guard let bytes = input.readSlice(length: length) else { return .incomplete }
            return .reply(WireReply(code: code, lines: count, bytes: bytes))
        }
    }

    private mutating func scan(_ bytes: Span<UInt8>) -> Scan {
        while true {
            let limit = min(bytes.count, lineStart + Self.maxLineLength)
            while searched < limit, bytes[searched] != UInt8(ascii: "\n") { searched += 1 }
            guard searched < limit else {
                return bytes.count > limit ? .violation("a reply line is longer than 4096 octets") : .incomplete
            }
            guard let line = Self.readLine(bytes, from: lineStart, to: searched) else {
                return .violation("a line is not a reply")
            }
            let lineClass = UInt8(line.code / 100)
            guard lines == 0 || lineClass == codeClass else { return .violation("reply codes of several classes") }
            codeClass = lineClass
            lines += 1
            searched += 1
            lineStart = searched
            if line.isLast { return .complete(code: line.code, length: lineStart) }
            guard lines < Self.maxLines else { return .violation("a reply has more than 128 lines") }
            guard lineStart <= Self.maxLength else { return .violation("a reply is longer than 16 KiB") }
        }
    }

    private static func readLine(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> (code: UInt16, isLast: Bool)? {
        guard end - start >= 3 else { return nil }
        var code: UInt16 = 0
        for index in start..<start + 3 {
            guard bytes[index] >= UInt8(ascii: "0"), bytes[index] <= UInt8(ascii: "9") else { return nil }
            code = code * 10 + UInt16(bytes[index] - UInt8(ascii: "0"))
        }
        guard (200...599).contains(code) else { return nil }
        guard end - start > 3 else { return (code, true) }
        switch bytes[start + 3] {
        case UInt8(ascii: "-"): return (code, false)
        case UInt8(ascii: " "), UInt8(ascii: "\t"): return (code, true)
        case UInt8(ascii: "\r"): return end - start == 4 ? (code, true) : nil
        default: return nil
        }
    }
}
