package import MailModel
package import NIOCore

/// Reply whose text is known when the program is built: written without an allocation.
///
/// The class of the enhanced status code is the first digit of the reply code, as in `Reply`.
package struct ServerReply: Sendable {
    package let code: UInt16
    /// Absent for 3yz replies and the greeting (RFC 2034 §4).
    package let detail: StatusDetail?
    package let text: StaticString

    /// - Parameter code: 200–599; another value is a bug of the caller.
    package init(_ code: UInt16, _ detail: StatusDetail? = nil, _ text: StaticString) {
        precondition((200...599).contains(code), "reply code")
        (self.code, self.detail, self.text) = (code, detail, text)
    }

    package var isPermanentError: Bool { code >= 500 }

    /// Appends the reply as one line with its CRLF.
    package func write(into output: inout ByteBuffer) {
        let text = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: ReplyPrefix.longest + text.count + 2) { out in
            let start = ReplyPrefix.write(code, detail, separator: Octet.space, into: out)
            let end = start + text.count
            UnsafeMutableRawBufferPointer(rebasing: out[start..<end]).copyMemory(from: text)
            (out[end], out[end + 1]) = (Octet.cr, Octet.lf)
            return end + 2
        }
    }
}

extension ServerReply: Equatable {
    package static func == (a: ServerReply, b: ServerReply) -> Bool {
        a.code == b.code && a.detail == b.detail && a.text.description == b.text.description
    }
}

extension Reply {
    package init(_ reply: ServerReply) { self.init(reply.code, reply.detail, reply.text.description) }

    /// Appends the reply, one line for each line of its text (RFC 5321 §4.2.1). Control characters become spaces.
    package func write(into output: inout ByteBuffer) {
        var rest = Substring(text)
        while let end = rest.utf8.firstIndex(of: Octet.lf) {
            writeLine(rest[..<end], separator: UInt8(ascii: "-"), into: &output)
            rest = rest[rest.utf8.index(after: end)...]
        }
        writeLine(rest, separator: Octet.space, into: &output)
    }

    private func writeLine(_ line: Substring, separator: UInt8, into output: inout ByteBuffer) {
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: ReplyPrefix.longest) {
            ReplyPrefix.write(code, detail, separator: separator, into: $0)
        }
        for byte in line.utf8 { output.writeInteger(Octet.isControl(byte) ? Octet.space : byte) }
        output.writeStaticString("\r\n")
    }
}

/// What stands before the text of a reply line: `250-2.1.0 `, or `250-` where there is no enhanced status code.
private enum ReplyPrefix {
    /// Three digits, the separator, the class, and two numbers of up to five digits with what parts them.
    static let longest = 18

    /// - Returns: Octets written.
    static func write(
        _ code: UInt16, _ detail: StatusDetail?, separator: UInt8, into out: UnsafeMutableRawBufferPointer
    ) -> Int {
        let first = 0x30 + UInt8(code / 100)
        (out[0], out[1], out[2], out[3]) = (first, 0x30 + UInt8(code / 10 % 10), 0x30 + UInt8(code % 10), separator)
        guard let detail else { return 4 }
        (out[4], out[5]) = (first, UInt8(ascii: "."))
        var end = write(detail.subject, into: out, at: 6)
        out[end] = UInt8(ascii: ".")
        end = write(detail.detail, into: out, at: end + 1)
        out[end] = Octet.space
        return end + 1
    }

    private static func write(_ number: UInt16, into out: UnsafeMutableRawBufferPointer, at start: Int) -> Int {
        var divisor: UInt16 = 1
        while number / divisor >= 10 { divisor *= 10 }
        var end = start
        while divisor > 0 {
            out[end] = 0x30 + UInt8(number / divisor % 10)
            (end, divisor) = (end + 1, divisor / 10)
        }
        return end
    }
}

extension ByteBuffer {
    /// Decimal digits without a `String` in between.
    package mutating func writeDecimal(_ value: UInt64) {
        var divisor: UInt64 = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            writeInteger(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }
}
