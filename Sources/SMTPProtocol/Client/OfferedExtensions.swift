/// Service extensions a server listed in its reply to EHLO or LHLO (RFC 5321 §4.1.1.1).
package struct OfferedExtensions: Equatable, Sendable {
    package struct Keywords: OptionSet, Sendable {
        package let rawValue: UInt16
        package init(rawValue: UInt16) { self.rawValue = rawValue }
        /// RFC 2920.
        package static let pipelining = Keywords(rawValue: 1)
        /// RFC 1870.
        package static let size = Keywords(rawValue: 2)
        /// RFC 6152.
        package static let eightBitMIME = Keywords(rawValue: 4)
        /// RFC 6531.
        package static let smtpUTF8 = Keywords(rawValue: 8)
        /// RFC 3207.
        package static let startTLS = Keywords(rawValue: 16)
        /// RFC 2034.
        package static let enhancedStatusCodes = Keywords(rawValue: 32)
        /// RFC 3461.
        package static let dsn = Keywords(rawValue: 64)
        /// RFC 3030.
        package static let chunking = Keywords(rawValue: 128)
    }

    package var keywords: Keywords = []
    /// Octets a message may have; `nil` where the server named no limit.
    package var sizeLimit: Int?

    package init() {}

    package func contains(_ keyword: Keywords) -> Bool { keywords.contains(keyword) }

    /// Reads the reply to EHLO, whose first line is a greeting and whose others are one keyword each.
    package init(_ reply: WireReply) {
        var result = OfferedExtensions()
        var isFirst = true
        reply.forEachLine { line in
            if !isFirst { result.read(line) }
            isFirst = false
        }
        self = result
    }

    private static let known: [(name: StaticString, keyword: Keywords)] = [
        ("PIPELINING", .pipelining), ("SIZE", .size), ("8BITMIME", .eightBitMIME), ("SMTPUTF8", .smtpUTF8),
        ("STARTTLS", .startTLS), ("ENHANCEDSTATUSCODES", .enhancedStatusCodes), ("DSN", .dsn),
        ("CHUNKING", .chunking),
    ]

    private mutating func read(_ line: UnsafeRawBufferPointer.SubSequence) {
        let end = line.firstIndex { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "=") } ?? line.endIndex
        let name = line[line.startIndex..<end]
        guard let keyword = Self.known.first(where: { Self.equal(name, $0.name) })?.keyword else { return }
        keywords.insert(keyword)
        guard keyword == .size, end < line.endIndex else { return }
        var limit = 0
        for byte in line[(end + 1)...] {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), limit < 1 << 50 else { return }
            limit = limit * 10 + Int(byte - UInt8(ascii: "0"))
        }
        // RFC 1870 §4: 0 says that there is no fixed limit.
        sizeLimit = limit == 0 ? nil : limit
    }

    /// Compares without regard to case; `known` is in upper case.
    private static func equal(_ name: UnsafeRawBufferPointer.SubSequence, _ known: StaticString) -> Bool {
        guard name.count == known.utf8CodeUnitCount else { return false }
        for (index, byte) in name.enumerated() {
            let upper = byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") ? byte - 0x20 : byte
            if upper != known.utf8Start[index] { return false }
        }
        return true
    }
}
