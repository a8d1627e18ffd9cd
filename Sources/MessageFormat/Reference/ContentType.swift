internal import NIOCore

/// Type and boundary of a MIME entity (RFC 2045 §5.1).
struct ContentType {
    /// In lower case, as `multipart/report`.
    private(set) var name: String
    private(set) var boundary: String?

    /// - Parameter value: As it stands in the field, folds included.
    init(_ value: String) {
        var rest = value.unicodeScalars.prefix(4096)[...]
        name = String(String.UnicodeScalarView(rest.prefix { $0 != ";" })).lowercased().filter { !$0.isWhitespace }
        rest = rest.drop { $0 != ";" }
        while rest.first == ";" {
            rest = rest.dropFirst().drop { $0.properties.isWhitespace }
            let key = String(String.UnicodeScalarView(rest.prefix { $0 != "=" && $0 != ";" })).lowercased()
            rest = rest.drop { $0 != "=" && $0 != ";" }
            guard rest.first == "=" else { continue }
            rest = rest.dropFirst().drop { $0.properties.isWhitespace }
            let text = Self.parameter(&rest)
            if key.filter({ !$0.isWhitespace }) == "boundary", (1...200).contains(text.utf8.count) { boundary = text }
            rest = rest.drop { $0 != ";" }
        }
    }

    /// A token or a quoted string; leaves what follows it.
    private static func parameter(_ rest: inout String.UnicodeScalarView.SubSequence) -> String {
        guard rest.first == "\"" else {
            let token = rest.prefix { $0 != ";" && !$0.properties.isWhitespace }
            rest = rest[token.endIndex...]
            return String(String.UnicodeScalarView(token))
        }
        rest = rest.dropFirst()
        var text = String.UnicodeScalarView()
        var isEscaped = false
        while let scalar = rest.popFirst() {
            if !isEscaped, scalar == "\"" { break }
            isEscaped = !isEscaped && scalar == "\\"
            if !isEscaped { text.append(scalar) }
        }
        return String(text)
    }
}

/// Cuts the body of a multipart entity into its parts (RFC 2046 §5.1.1).
enum MultipartBody {
    static func parts(of body: ByteBuffer, boundary: String, limit: Int) -> [ByteBuffer] {
        let delimiter = Array("--\(boundary)".utf8)
        var parts: [ByteBuffer] = []
        var start: Int?
        let bytes = body.readableBytesView
        var line = bytes.startIndex
        while line < bytes.endIndex, parts.count < limit {
            let next = bytes[line...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.endIndex
            if bytes[line..<next].starts(with: delimiter) {
                let after = bytes[line..<next].dropFirst(delimiter.count)
                let isLast = after.starts(with: "--".utf8)
                guard isLast || after.allSatisfy({ $0 <= 0x20 }) else {
                    line = next
                    continue
                }
                // The line end before a delimiter belongs to it.
                if let start { append(body, start..<max(start, line - 2), &parts) }
                if isLast { return parts }
                start = next
            }
            line = next
        }
        // Cut off by its way through the world: what is there is read.
        if let start, parts.count < limit { append(body, start..<bytes.endIndex, &parts) }
        return parts
    }

    private static func append(_ body: ByteBuffer, _ range: Range<Int>, _ parts: inout [ByteBuffer]) {
        if let part = body.getSlice(at: range.lowerBound, length: range.count) { parts.append(part) }
    }
}
