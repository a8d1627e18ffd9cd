package import NIOCore

/// Writes the contents of a run's messages.
///
/// A body is a piece of one long random text in base64's letters, begun at a line of the message's own: as little to
/// compress as mail can be, no line that begins with a dot, and no random number drawn for each octet. Pieces longer
/// than the text repeat it.
package final class LoadContent: Sendable {
    /// Longer bodies are handed to the socket as slices; a copy of a short one costs less than a buffer more.
    static let copyLimit = 64 * 1024
    /// With its line end; RFC 2045 §6.8.
    static let lineLength = 78
    static let lines = 1 << 15

    private let plan: LoadPlan
    private let text: ByteBuffer
    /// Fields that are the same in all messages, and the empty line.
    private let rest: ByteBuffer

    package init(_ plan: LoadPlan) {
        self.plan = plan
        var random = LoadRandom(seed: plan.seed)
        text = Self.text(&random)
        var rest = ByteBuffer()
        rest.writeString("From: <\(plan.reversePath.isEmpty ? "postmaster@localhost" : plan.reversePath)>\r\n")
        rest.writeString("Subject: A load test, run \(plan.run)\r\nMIME-Version: 1.0\r\n")
        rest.writeString("Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n")
        for field in plan.fields { rest.writeString(field + "\r\n") }
        rest.writeStaticString("\r\n")
        self.rest = rest
    }

    /// Writes the header section and, where it is short, the body into `out`; gives the rest as slices.
    ///
    /// - Parameters:
    ///   - time: Microseconds since 1970 when the message was due.
    ///   - date: `Date` field body (RFC 5322 §3.3).
    /// - Returns: What follows `out`, and the octets of the whole. The whole ends with CRLF.
    package func write(
        _ message: LoadMessage, time: Int64, date: String, into out: inout ByteBuffer
    ) -> (slices: [ByteBuffer], octets: Int) {
        let start = out.readableBytes
        writeFields(message, time: time, date: date, into: &out)
        let header = out.readableBytes - start
        // A last line needs its CRLF, so one octet left over is one too few.
        let wanted = message.size - header
        guard wanted > 1 else { return ([], header) }
        var slices: [ByteBuffer] = []
        let isCopied = wanted <= Self.copyLimit
        // Cut between CR and LF, a line would end in a bare CR; it gets a letter more instead.
        let isBetween = (wanted - 2) % Self.lineLength == Self.lineLength - 1
        let end = isBetween ? Self.letterAndLineEnd : Self.lineEnd
        var left = wanted - end.readableBytes
        var line = Int(message.body % UInt64(Self.lines))
        while left > 0 {
            let offset = line * Self.lineLength
            let count = min(left, text.readableBytes - offset)
            if isCopied {
                if let view = text.viewBytes(at: offset, length: count) { out.writeBytes(view) }
            } else if let slice = text.getSlice(at: offset, length: count) {
                slices.append(slice)
            }
            left -= count
            line = 0
        }
        if isCopied { out.writeImmutableBuffer(end) } else { slices.append(end) }
        return (slices, message.size)
    }

    private static let lineEnd = ByteBuffer(string: "\r\n")
    private static let letterAndLineEnd = ByteBuffer(string: "A\r\n")

    private func writeFields(_ message: LoadMessage, time: Int64, date: String, into out: inout ByteBuffer) {
        out.writeStaticString("Date: ")
        out.writeString(date)
        out.writeStaticString("\r\nMessage-ID: <")
        out.writeDecimal(message.number)
        out.writeStaticString(".")
        out.writeString(plan.run)
        out.writeStaticString("@bench.apus>\r\nTo: <")
        plan.writeRecipient(message, 0, into: &out)
        out.writeStaticString(">\r\n")
        BenchField(run: plan.run, number: message.number, recipients: plan.recipients, time: time).write(into: &out)
        if plan.tenants > 0 {
            out.writeStaticString("X-Apus-Tenant: tenant-")
            out.writeDecimal(message.tenant + 1)
            out.writeStaticString("\r\n")
        }
        if plan.campaigns > 0 {
            out.writeStaticString("X-Apus-Campaign: campaign-")
            out.writeDecimal(message.campaign + 1)
            out.writeStaticString("\r\n")
        }
        out.writeImmutableBuffer(rest)
    }

    private static func text(_ random: inout LoadRandom) -> ByteBuffer {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var line = [UInt8](repeating: 0, count: lineLength)
        (line[lineLength - 2], line[lineLength - 1]) = (0x0D, 0x0A)
        var text = ByteBufferAllocator().buffer(capacity: lines * lineLength)
        for _ in 0..<lines {
            var bits: UInt64 = 0
            for place in 0..<lineLength - 2 {
                if place % 10 == 0 { bits = random.next() }
                line[place] = letters[Int(bits & 63)]
                bits >>= 6
            }
            text.writeBytes(line)
        }
        return text
    }
}
