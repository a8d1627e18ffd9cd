package import NIOCore

/// Finds a header field in a message and in all that it carries: forwarded messages, returned header sections (RFC 3462,
/// RFC 5965), and bounces that quote the message in their text.
///
/// Reads what strangers wrote, so everything is bounded: depth, parts, and what is found. A part that cannot be
/// understood is passed over.
package struct FieldSearch {
    static let depthLimit = 8
    static let partLimit = 256
    static let valueLimit = 32
    private static let encodedLimit = 16 * 1024 * 1024

    private let name: [UInt8]
    private let scanner: HeaderScanner
    private var parts = 0
    private var values: [String] = []

    private init(_ name: String) {
        self.name = Array(name.lowercased().utf8)
        scanner = HeaderScanner(names: [name, "content-type", "content-transfer-encoding"])
    }

    /// - Parameters:
    ///   - name: Of the field, in any case.
    ///   - message: With CRLF line ends.
    /// - Returns: The values without blanks and folds, each once, outermost first.
    package static func values(of name: String, in message: ByteBuffer) -> [String] {
        var search = FieldSearch(name)
        search.entity(message, depth: 0)
        return search.values
    }

    /// A message, or a part with a header section of its own.
    private mutating func entity(_ bytes: ByteBuffer, depth: Int, isDigest: Bool = false) {
        parts += 1
        guard depth <= Self.depthLimit, parts <= Self.partLimit else { return }
        let section = scanner.scan(bytes)
        var type = ContentType(isDigest ? "message/rfc822" : "text/plain")
        var encoding = ""
        for field in section.listed {
            let value = Self.slice(bytes, field.value)
            let label = Self.slice(bytes, field.name).map { $0 | 0x20 }
            if label.elementsEqual(name.map { $0 | 0x20 }) {
                add(value)
            } else if label.elementsEqual("content-type".utf8) {
                type = ContentType(String(decoding: value, as: UTF8.self))
            } else {
                encoding = String(decoding: value, as: UTF8.self).lowercased().filter { !$0.isWhitespace }
            }
        }
        guard
            let body = bytes.getSlice(
                at: bytes.readerIndex + section.bodyStart, length: bytes.readableBytes - section.bodyStart)
        else { return }
        read(body, type, encoding, depth: depth)
    }

    private mutating func read(_ body: ByteBuffer, _ type: ContentType, _ encoding: String, depth: Int) {
        switch type.name {
        case let name where name.hasPrefix("multipart/"):
            guard let boundary = type.boundary else { return }
            let isDigest = name == "multipart/digest"
            for part in MultipartBody.parts(of: body, boundary: boundary, limit: Self.partLimit) {
                entity(part, depth: depth + 1, isDigest: isDigest)
            }
        case "message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers", "text/rfc822",
            "message/rfc822-headers":
            entity(decoded(body, encoding), depth: depth + 1)
        case let name where name.hasPrefix("text/"):
            quoted(decoded(body, encoding))
        default: break
        }
    }

    private func decoded(_ body: ByteBuffer, _ encoding: String) -> ByteBuffer {
        guard body.readableBytes <= Self.encodedLimit else { return body }
        switch encoding {
        case "base64": return TransferEncoding.base64(body)
        case "quoted-printable": return TransferEncoding.quotedPrintable(body)
        default: return body
        }
    }

    /// Lines of a text that look like the field: bounces without MIME return the message below a line of dashes, and
    /// people quote.
    private mutating func quoted(_ text: ByteBuffer) {
        var rest = text.readableBytesView[...]
        var isOpen = false
        var value: [UInt8] = []
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
            var line = rest[rest.startIndex..<end]
            rest = end < rest.endIndex ? rest[(end + 1)...] : rest[rest.endIndex...]
            if isOpen, line.first == UInt8(ascii: " ") || line.first == UInt8(ascii: "\t") {
                value += line
                continue
            }
            if isOpen { add(value) }
            isOpen = false
            while let first = line.first, first == UInt8(ascii: ">") || first == UInt8(ascii: " ") {
                line = line.dropFirst()
            }
            guard line.count > name.count, line[line.startIndex + name.count] == UInt8(ascii: ":"),
                line.prefix(name.count).map({ $0 | 0x20 }).elementsEqual(name.map { $0 | 0x20 })
            else { continue }
            isOpen = true
            value = Array(line.dropFirst(name.count + 1))
        }
        if isOpen { add(value) }
    }

    private mutating func add(_ bytes: some Sequence<UInt8>) {
        guard values.count < Self.valueLimit else { return }
        let word = bytes.prefix(4096).filter { $0 > 0x20 && $0 < 0x7F }
        let text = String(decoding: word, as: UTF8.self)
        if !text.isEmpty, !values.contains(text) { values.append(text) }
    }

    private static func slice(_ bytes: ByteBuffer, _ range: Range<Int>) -> ByteBufferView {
        bytes.readableBytesView.dropFirst(range.lowerBound).prefix(range.count)
    }
}
