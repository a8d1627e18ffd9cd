package import NIOCore

/// What a scan found. Offsets count from the reader index of the content that was scanned.
package struct HeaderSection: Equatable, Sendable {
    /// First byte after the last field, its CRLF included.
    package var fieldsEnd = 0
    /// First byte of the body: after the empty line, where there is one.
    package var bodyStart = 0
    package var receivedCount = 0
    package var hasFrom = false
    package var hasDate = false
    /// Value of the first Message-ID, blanks around it cut off; possibly empty.
    package var messageID: Range<Int>?
    /// Fields that the scanner was told to list, in order.
    package var listed: [HeaderField] = []

    package init() {}

    /// The Message-ID in its angle brackets. Nothing where it is empty, not printable ASCII, or over 998 bytes
    /// (RFC 5322 §2.1.1): it is quoted in logs and other header sections.
    package func messageIDText(in content: ByteBuffer) -> String? {
        guard let range = messageID, (1...998).contains(range.count) else { return nil }
        let bytes = content.readableBytesView.dropFirst(range.lowerBound).prefix(range.count)
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// One field, with its continuation lines.
package struct HeaderField: Equatable, Sendable {
    /// From the name to the last CRLF.
    package var whole: Range<Int>
    package var name: Range<Int>
    /// All after the colon but the last CRLF: blanks and folds as they are.
    package var value: Range<Int>
}
