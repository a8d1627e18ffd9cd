internal import NIOCore

extension ServerSession {
    /// RFC 5321 §4.1.1.1, with what this server offers.
    mutating func ehlo(_ line: Span<UInt8>, _ arguments: Int, _ output: inout ByteBuffer) -> Action {
        guard greeted(line, arguments) else { return reply(.needHostName, &output) }
        isESMTP = true
        write("250-", configuration.hostname, &output)
        output.writeStaticString("250-SIZE ")
        output.writeDecimal(UInt64(max(0, configuration.sizeLimit)))
        output.writeStaticString("\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-DSN\r\n")
        if configuration.offersTLS, tls == nil { output.writeStaticString("250-STARTTLS\r\n") }
        if configuration.offersXCLIENT { output.writeStaticString(ClientOverride.offer) }
        output.writeStaticString("250 ENHANCEDSTATUSCODES\r\n")
        return .proceed
    }

    mutating func helo(_ line: Span<UInt8>, _ arguments: Int, _ output: inout ByteBuffer) -> Action {
        guard greeted(line, arguments) else { return reply(.needHostName, &output) }
        isESMTP = false
        write("250 ", configuration.hostname, &output)
        return .proceed
    }

    private func write(_ code: StaticString, _ text: String, _ output: inout ByteBuffer) {
        output.writeStaticString(code)
        output.writeString(text)
        output.writeStaticString("\r\n")
    }

    /// Takes the client's name and drops a transaction under way (RFC 5321 §4.1.4).
    ///
    /// Any name without specials is taken: a wrong one is no ground for refusal, but it ends up in a trace field.
    private mutating func greeted(_ line: Span<UInt8>, _ arguments: Int) -> Bool {
        var end = line.count
        while end > arguments, Octet.isBlank(line[end - 1]) { end -= 1 }
        guard Self.isClientName(line, arguments..<end) else { return false }
        endTransaction()
        isNameOverridden = false
        clientName.removeAll(keepingCapacity: true)
        for index in arguments..<end { clientName.append(line[index]) }
        return true
    }

    static func isClientName(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard !range.isEmpty, range.count <= 255 else { return false }
        for index in range {
            switch bytes[index] {
            case 0...Octet.space, 0x7F...0xFF, UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "<"),
                UInt8(ascii: ">"), UInt8(ascii: "@"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\\"),
                UInt8(ascii: "\""):
                return false
            default: break
            }
        }
        return true
    }
}
