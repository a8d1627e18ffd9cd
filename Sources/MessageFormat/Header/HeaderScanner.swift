internal import Glibc
package import NIOCore

/// Finds what Apus needs to know of a header section (RFC 5322 §2.2) in one pass, without copying.
///
/// Lines end in CRLF only: a bare CR or LF is part of its line. The section ends before an empty line, or before the
/// first line that is neither a field nor the continuation of one; content without a header section has an empty one.
package struct HeaderScanner: Sendable {
    /// Fields to be listed: those with one of these names, and those whose names begin with a prefix.
    private struct Pattern: Sendable {
        var name: [UInt8]
        var isPrefix: Bool
    }

    private let patterns: [Pattern]
    /// First bytes of names worth a comparison, both cases, a bit each.
    private let firstBytes: (UInt64, UInt64)

    /// - Parameters:
    ///   - prefixes: Beginnings of names, in any case.
    ///   - names: Whole names, in any case.
    package init(prefixes: [String] = [], names: [String] = []) {
        patterns =
            prefixes.map { Pattern(name: Array($0.lowercased().utf8), isPrefix: true) }
            + names.map { Pattern(name: Array($0.lowercased().utf8), isPrefix: false) }
        var bits: (UInt64, UInt64) = (0, 0)
        for byte in patterns.compactMap(\.name.first) + Array("rmfd".utf8) where byte < 0x80 {
            for cased in [byte, byte >= 0x61 && byte <= 0x7A ? byte & 0xDF : byte] {
                if cased < 64 { bits.0 |= 1 << UInt64(cased) } else { bits.1 |= 1 << UInt64(cased - 64) }
            }
        }
        firstBytes = bits
    }

    package func scan(_ content: ByteBuffer) -> HeaderSection {
        content.withUnsafeReadableBytes { scan($0) }
    }

    private func scan(_ bytes: UnsafeRawBufferPointer) -> HeaderSection {
        var section = HeaderSection()
        var lineStart = 0
        while lineStart < bytes.count {
            let lineEnd = Self.lineEnd(bytes, from: lineStart)
            if lineEnd.text == lineStart {
                section.bodyStart = lineEnd.next
                return section
            }
            guard let name = Self.fieldName(bytes, lineStart..<lineEnd.text) else { break }
            var end = lineEnd
            while end.next < bytes.count, bytes[end.next] == UInt8(ascii: " ") || bytes[end.next] == UInt8(ascii: "\t")
            {
                end = Self.lineEnd(bytes, from: end.next)
            }
            if isInteresting(bytes[lineStart]) {
                let field = HeaderField(
                    whole: lineStart..<end.next, name: lineStart..<name.end, value: name.colon + 1..<end.text)
                note(field, bytes, in: &section)
            }
            lineStart = end.next
            section.fieldsEnd = lineStart
        }
        section.bodyStart = section.fieldsEnd
        return section
    }

    private func isInteresting(_ byte: UInt8) -> Bool {
        byte < 64 ? firstBytes.0 >> UInt64(byte) & 1 == 1 : byte < 128 && firstBytes.1 >> UInt64(byte - 64) & 1 == 1
    }

    private func note(_ field: HeaderField, _ bytes: UnsafeRawBufferPointer, in section: inout HeaderSection) {
        let name = UnsafeRawBufferPointer(rebasing: bytes[field.name])
        switch name.count {
        case 4:
            if Self.matches(name, "from") { section.hasFrom = true }
            if Self.matches(name, "date") { section.hasDate = true }
        case 8:
            if Self.matches(name, "received") { section.receivedCount += 1 }
        case 10:
            if Self.matches(name, "message-id"), section.messageID == nil {
                section.messageID = Self.trimmed(bytes, field.value)
            }
        default: break
        }
        for pattern in patterns
        where pattern.isPrefix ? name.count >= pattern.name.count : name.count == pattern.name.count {
            guard pattern.name.withUnsafeBytes({ Self.equal(name, $0) }) else { continue }
            section.listed.append(field)
            return
        }
    }

    /// - Returns: Where the text of the line ends, and where the next line starts; both the end of the bytes for a
    ///   last line without CRLF.
    private static func lineEnd(_ bytes: UnsafeRawBufferPointer, from start: Int) -> (text: Int, next: Int) {
        var from = start
        while from < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + from, CInt(UInt8(ascii: "\n")), bytes.count - from)
        {
            let index = UnsafeRawPointer(found) - base
            if index > start, bytes[index - 1] == UInt8(ascii: "\r") { return (index - 1, index + 1) }
            from = index + 1
        }
        return (bytes.count, bytes.count)
    }

    /// Blanks between name and colon are obsolete syntax that is still read (RFC 5322 §4.5).
    private static func fieldName(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) -> (end: Int, colon: Int)? {
        var index = line.lowerBound
        while index < line.upperBound, bytes[index] > 0x20, bytes[index] < 0x7F, bytes[index] != UInt8(ascii: ":") {
            index += 1
        }
        let end = index
        while index < line.upperBound, bytes[index] == UInt8(ascii: " ") || bytes[index] == UInt8(ascii: "\t") {
            index += 1
        }
        guard end > line.lowerBound, index < line.upperBound, bytes[index] == UInt8(ascii: ":") else { return nil }
        return (end, index)
    }

    private static func trimmed(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, bytes[start] <= 0x20 { start += 1 }
        while end > start, bytes[end - 1] <= 0x20 { end -= 1 }
        return start..<end
    }

    private static func matches(_ name: UnsafeRawBufferPointer, _ lowercased: StaticString) -> Bool {
        equal(name, UnsafeRawBufferPointer(start: lowercased.utf8Start, count: lowercased.utf8CodeUnitCount))
    }

    /// Whether the name begins with the pattern, which is in lower case and not longer.
    private static func equal(_ name: UnsafeRawBufferPointer, _ pattern: UnsafeRawBufferPointer) -> Bool {
        for index in pattern.indices {
            let byte = name[index]
            let lower = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if lower != pattern[index] { return false }
        }
        return true
    }
}
