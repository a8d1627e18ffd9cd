internal import NIOCore

/// The BDAT chunk that is coming in (RFC 3030 §2).
struct ChunkState: Equatable, Sendable {
    var isLast = false
    /// Why this chunk is read and thrown away; `nil` where its octets are content.
    var refusal: ServerReply?
    /// A chunk before this failed: all that follow are refused up to the last, or RSET.
    var hasFailed = false
}

extension ServerSession {
    /// The octets of a chunk follow in any case: a refused one is read to its end before it is answered, since what
    /// follows would be taken for commands otherwise.
    mutating func bdat(_ line: Span<UInt8>, _ arguments: Int, _ output: inout ByteBuffer) -> Action {
        guard let (count, isLast) = chunkHeader(line, arguments) else { return close(.bdatSyntax, &output) }
        chunk.isLast = isLast
        chunk.refusal = chunkRefusal()
        if chunk.refusal == nil {
            if mailState == .sender { content.begin(declaredSize: envelope.declaredSize) }
            mailState = .chunks
            if count > configuration.sizeLimit - content.retainedBytes { content.refuse(.contentTooLarge) }
        }
        phase = .chunk(remaining: count)
        return count == 0 ? finishChunk(&output) : .proceed
    }

    mutating func receiveChunk(
        _ input: inout ByteBuffer, _ remaining: Int, _ output: inout ByteBuffer
    ) -> Action {
        let count = min(remaining, input.readableBytes)
        guard count > 0 else { return .needMoreBytes }
        if chunk.refusal == nil {
            content.receiveChunk(&input, count: count)
        } else {
            content.discard(&input, count: count)
        }
        guard isPatient else { return close(chunk.refusal ?? content.fault ?? .contentTooLarge, &output) }
        guard count == remaining else {
            phase = .chunk(remaining: remaining - count)
            return .needMoreBytes
        }
        return finishChunk(&output)
    }

    private mutating func finishChunk(_ output: inout ByteBuffer) -> Action {
        phase = .command
        if let refusal = chunk.refusal ?? content.fault {
            let wasTransaction = mailState != .none
            if chunk.refusal == nil { noteRefusal(refusal, .content) }
            if chunk.isLast { endTransaction() } else { chunk.hasFailed = wasTransaction }
            return reply(refusal, &output)
        }
        guard chunk.isLast else { return reply(.chunkOK, &output) }
        content.finishChunks()
        return finishContent(&output)
    }

    private func chunkRefusal() -> ServerReply? {
        if configuration.requiresTLS, tls == nil { return .tlsRequired }
        if clientName.isEmpty { return .greetFirst }
        if chunk.hasFailed { return .chunksFailed }
        if mailState == .none { return .needMail }
        return envelope.recipients.isEmpty ? .noRecipients : nil
    }

    /// `octets [LAST]`
    private func chunkHeader(_ line: Span<UInt8>, _ arguments: Int) -> (count: Int, isLast: Bool)? {
        var index = arguments
        while index < line.count, !Octet.isBlank(line[index]) { index += 1 }
        guard let count = line.decimal(in: arguments..<index) else { return nil }
        while index < line.count, Octet.isBlank(line[index]) { index += 1 }
        if index == line.count { return (count, false) }
        var end = line.count
        while Octet.isBlank(line[end - 1]) { end -= 1 }
        return line.equals("LAST", in: index..<end) ? (count, true) : nil
    }
}
