internal import NIOCore

extension ServerSession {
    /// RFC 5321 §4.1.1.4.
    mutating func data(_ output: inout ByteBuffer) -> Action {
        switch mailState {
        case .none: return reply(.needMail, &output)
        case .chunks: return reply(.chunksStarted, &output)
        case .sender: break
        }
        guard !envelope.recipients.isEmpty else { return reply(.noRecipients, &output) }
        content.begin(declaredSize: envelope.declaredSize)
        phase = .data
        return reply(.startContent, &output)
    }
}
