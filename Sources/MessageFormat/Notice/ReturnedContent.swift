internal import Glibc
internal import MailModel
package import NIOCore

/// What a notice gives back of the message it is about.
package struct ReturnedContent {
    package enum Kind: CustomStringConvertible {
        case message, headers

        package var description: String {
            switch self {
            case .message: "Undelivered message"
            case .headers: "Header section of the message"
            }
        }

        var announcement: String {
            switch self {
            case .message: "Your message is attached below."
            case .headers: "The header section of your message is attached below."
            }
        }
    }

    package let kind: Kind
    package let bytes: ByteBuffer
    let isASCII: Bool
    private let isInternationalized: Bool

    /// Full content where RET, size and lines allow it, else its header section, else nothing.
    ///
    /// RET=FULL is for failures: other notices return the header section (RFC 3461 §4.3).
    package init?(of notice: DeliveryStatusNotice) {
        guard let content = notice.content else { return nil }
        let wantsFull = notice.action == .failed && notice.returnContent != .headers
        if wantsFull, content.readableBytes <= notice.maximumReturned, Self.isLines(content) {
            (kind, bytes) = (.message, content)
        } else {
            let section = HeaderScanner().scan(content)
            guard let fields = Self.beginning(of: content, fieldsEnd: section.fieldsEnd, limit: notice.maximumReturned)
            else { return nil }
            (kind, bytes) = (.headers, fields)
        }
        isASCII = bytes.readableBytesView.allSatisfy { $0 < 0x80 }
        isInternationalized = notice.originalIsInternationalized
    }

    /// RFC 6533 §4.4 names the types for header sections in UTF-8.
    package var mediaType: String {
        switch kind {
        case .message: isInternationalized && !isASCII ? "message/global" : "message/rfc822"
        case .headers: isInternationalized && !isASCII ? "message/global-headers" : "text/rfc822-headers"
        }
    }

    var endsLine: Bool { bytes.readableBytesView.last == UInt8(ascii: "\n") }

    func hasLine(startingWith text: String) -> Bool {
        let pattern = Array(text.utf8)
        return bytes.withUnsafeReadableBytes { bytes in
            var start = 0
            while start + pattern.count <= bytes.count {
                if bytes[start..<start + pattern.count].elementsEqual(pattern) { return true }
                guard let next = Self.newline(bytes, from: start) else { return false }
                start = next + 1
            }
            return false
        }
    }

    /// Whole lines of the header section, within the limit.
    private static func beginning(of content: ByteBuffer, fieldsEnd: Int, limit: Int) -> ByteBuffer? {
        var length = min(fieldsEnd, limit)
        if length < fieldsEnd {
            let lines = content.readableBytesView.prefix(length)
            guard let newline = lines.lastIndex(of: UInt8(ascii: "\n")) else { return nil }
            length = newline + 1 - lines.startIndex
        }
        guard length > 0, let fields = content.getSlice(at: content.readerIndex, length: length) else { return nil }
        return isLines(fields) ? fields : nil
    }

    /// Whether MIME can carry it as 7bit or 8bit (RFC 2045 §2.7, §2.8): lines of at most 998 bytes that end in CRLF,
    /// no NUL. BINARYMIME content need not be.
    private static func isLines(_ content: ByteBuffer) -> Bool {
        content.withUnsafeReadableBytes { bytes in
            var (length, previous) = (0, UInt8(0))
            for byte in bytes {
                if byte == UInt8(ascii: "\n") {
                    if previous != UInt8(ascii: "\r") { return false }
                    length = -1
                } else if previous == UInt8(ascii: "\r") || byte == 0 {
                    return false
                }
                length += 1
                if length > 998, byte != UInt8(ascii: "\r") { return false }
                previous = byte
            }
            return previous != UInt8(ascii: "\r")
        }
    }

    private static func newline(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard let base = bytes.baseAddress,
            let found = memchr(base + start, CInt(UInt8(ascii: "\n")), bytes.count - start)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }
}
