package import NIOCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The header field by which a receiver recognizes the messages of a run:
/// `X-Bench: run=K3J9 number=17 recipients=1 time=1790000000123456`.
///
/// Not called `X-Apus-…`, as those never leave a node of Apus.
package struct BenchField: Equatable, Sendable {
    package static let runLimit = 32
    package static let numberLimit = 1 << 32
    package static let recipientLimit = 10_000
    /// Where the field is looked for; trace fields come before it.
    private static let window = 32 * 1024

    package var run: String
    package var number: Int
    /// Of the message when it was sent; what arrives may hold some of them only.
    package var recipients: Int
    /// Microseconds since 1970 when the message was due.
    package var time: Int64

    package init(run: String, number: Int, recipients: Int, time: Int64) {
        (self.run, self.number, self.recipients, self.time) = (run, number, recipients, time)
    }

    /// With its line end.
    func write(into out: inout ByteBuffer) {
        out.writeStaticString("X-Bench: run=")
        out.writeString(run)
        out.writeStaticString(" number=")
        out.writeDecimal(number)
        out.writeStaticString(" recipients=")
        out.writeDecimal(recipients)
        out.writeStaticString(" time=")
        out.writeDecimal(Int(max(0, time)))
        out.writeStaticString("\r\n")
    }

    /// Reads the field from the header section of a message; `nil` where there is none. A notice that quotes one in
    /// its body is no arrival.
    package init?(in content: ByteBuffer) {
        guard let value = content.withUnsafeReadableBytes({ Self.value(in: $0) }) else { return nil }
        self.init(value)
    }

    private static let name: StaticString = "X-Bench: "

    /// Goes from line to line, to the empty one at most.
    private static func value(in bytes: UnsafeRawBufferPointer) -> Substring? {
        let limit = min(bytes.count, window)
        let length = name.utf8CodeUnitCount
        var start = 0
        while start + length < limit, bytes[start] != UInt8(ascii: "\r"), let base = bytes.baseAddress {
            let end = memchr(base + start, 0x0A, limit - start).map { UnsafeRawPointer($0) - base } ?? limit
            if bytes[start] == UInt8(ascii: "X"), end - start > length,
                memcmp(base + start, name.utf8Start, length) == 0
            {
                let value = bytes[start + length..<min(end, start + 200)]
                return Substring(decoding: value.prefix { $0 >= 0x20 }, as: UTF8.self)
            }
            start = end + 1
        }
        return nil
    }

    private init?(_ line: Substring) {
        var values: [Substring: Substring] = [:]
        for word in line.split(separator: " ") {
            guard let equal = word.firstIndex(of: "=") else { return nil }
            values[word[..<equal]] = word[word.index(after: equal)...]
        }
        guard let run = values["run"], Self.isRun(run), let number = values["number"].flatMap({ Int($0) }),
            let recipients = values["recipients"].flatMap({ Int($0) }),
            let time = values["time"].flatMap({ Int64($0) }),
            (0..<Self.numberLimit).contains(number), (1...Self.recipientLimit).contains(recipients), time >= 0
        else { return nil }
        self.init(run: String(run), number: number, recipients: recipients, time: time)
    }

    /// 1 to 32 letters and digits.
    package static func isRun(_ text: some StringProtocol) -> Bool {
        (1...runLimit).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
            }
    }

    /// Which recipient of its message a local part names: `0` in `b17.0`.
    package static func index(inLocalPart local: String) -> Int? {
        guard let dot = local.utf8.lastIndex(of: UInt8(ascii: ".")) else { return nil }
        return Int(local[local.index(after: dot)...])
    }
}
