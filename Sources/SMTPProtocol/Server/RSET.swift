internal import NIOCore

/// The verbs that carry no mail: RSET, VRFY and QUIT (RFC 5321 §4.1.1.5, §4.1.1.6, §4.1.1.10).
extension ServerSession {
    mutating func rset(_ output: inout ByteBuffer) -> Action {
        endTransaction()
        return reply(.ok, &output)
    }

    /// Tells nothing about mailboxes (RFC 5321 §7.3).
    mutating func vrfy(_ line: Span<UInt8>, _ arguments: Int, _ output: inout ByteBuffer) -> Action {
        reply(arguments < line.count ? .cannotVerify : .vrfySyntax, &output)
    }

    mutating func quit(_ output: inout ByteBuffer) -> Action {
        wasQuit = true
        return close(.bye, &output)
    }
}
