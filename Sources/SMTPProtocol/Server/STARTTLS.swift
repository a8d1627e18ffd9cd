internal import NIOCore

extension ServerSession {
    /// RFC 3207. What the client sent behind it is dropped by the caller.
    mutating func startTLS(_ output: inout ByteBuffer) -> Action {
        guard tls == nil else { return reply(.tlsRunning, &output) }
        guard configuration.offersTLS else { return reply(.notImplemented, &output) }
        ServerReply.readyForTLS.write(into: &output)
        endTransaction()
        phase = .tls
        return .beginTLS
    }
}
