internal import MailModel
internal import NIOCore

/// Writes header fields word by word, folding before the column limit (RFC 5322 §2.1.1).
struct FieldWriter {
    /// Columns a line should not exceed; a word longer than that has a line of its own.
    static let lineLength = 78
    /// Columns no line may exceed, without its CRLF: longer words are cut in pieces.
    static let maximumLineLength = 998

    private(set) var buffer: ByteBuffer
    private var column = 0

    init(into buffer: ByteBuffer) { self.buffer = buffer }

    mutating func begin(_ name: StaticString) {
        buffer.writeStaticString(name)
        buffer.writeStaticString(":")
        column = name.utf8CodeUnitCount + 1
    }

    mutating func end() {
        buffer.writeStaticString("\r\n")
        column = 0
    }

    /// A whole field of unstructured text, folded at its blanks.
    mutating func field(_ name: StaticString, _ text: String) {
        begin(name)
        words(text)
        end()
    }

    mutating func words(_ text: String) {
        for word in text.utf8.split(separator: UInt8(ascii: " ")) { self.word(word) }
    }

    /// - Parameter bytes: Without line ends.
    mutating func word(_ bytes: some Collection<UInt8>) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Self.maximumLineLength - 1)
            separate(before: piece.count)
            buffer.writeBytes(piece)
            column += piece.count
            rest = rest.dropFirst(piece.count)
        }
    }

    mutating func word(_ text: String) { word(text.utf8) }

    /// Follows the last word without a blank.
    mutating func suffix(_ text: StaticString) {
        buffer.writeStaticString(text)
        column += text.utf8CodeUnitCount
    }

    /// Starts a continuation line.
    mutating func fold() {
        buffer.writeStaticString("\r\n\t")
        column = 8
    }

    /// Blank or fold before a word. A tab is reckoned as eight columns, and counts as one for the hard limit.
    private mutating func separate(before count: Int) {
        if column == 8, buffer.readableBytesView.last == UInt8(ascii: "\t") { return }
        if column + 1 + count > Self.lineLength {
            fold()
        } else {
            buffer.writeStaticString(" ")
            column += 1
        }
    }

    mutating func finish() -> ByteBuffer {
        defer { buffer = ByteBuffer() }
        return buffer
    }
}

extension Timestamp {
    /// RFC 5322 §3.3 in UTC: `Mon, 23 Nov 2026 18:05:08 +0000`.
    var mailDate: String {
        let t = CivilTime(self)
        let days: [StaticString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months: [StaticString] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let year = String(min(max(t.year, 0), 9999))
        let date =
            "\(days[t.weekday]), \(t.day) \(months[t.month - 1]) \(String(repeating: "0", count: 4 - year.count))\(year)"
        return "\(date) \(two(t.hour)):\(two(t.minute)):\(two(t.second)) +0000"
    }
}

/// Text of strangers, made fit for a header field.
enum FieldText {
    /// Printable ASCII and blanks; every other byte becomes `?`.
    static func printable(_ text: String, limit: Int) -> String {
        let bytes = text.utf8.prefix(limit).map { byte -> UInt8 in
            switch byte {
            case 0x20...0x7E: byte
            case 0x09, 0x0A, 0x0D: 0x20
            default: UInt8(ascii: "?")
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
