internal import MailModel
package import NIOCore

extension ServerSession {
    /// RFC 5321 §4.1.1.3; NOTIFY and ORCPT of RFC 3461. What is sound goes to the adapter for its verdict.
    mutating func rcpt(_ line: Span<UInt8>, _ arguments: Int, _ output: inout ByteBuffer) -> Action {
        guard mailState != .none else { return reply(.needMail, &output) }
        guard mailState == .sender else { return reply(.chunksStarted, &output) }
        let mark = envelope.bytes.count
        if let refusal = readRecipient(line, arguments) {
            noteRefusal(refusal, .rcpt)
            envelope.truncate(to: mark)
            return reply(refusal, &output)
        }
        if envelope.contains(pendingRecipient.path) {
            envelope.truncate(to: mark)
            return reply(.recipientOK, &output)
        }
        // Before the adapter is asked: where a list has filled the envelope, each further look would be for nothing.
        guard envelope.recipients.count < configuration.recipientLimit,
            envelope.copies < configuration.expandedRecipientLimit
        else {
            noteRefusal(.tooManyRecipients, .rcpt, pending: true)
            envelope.truncate(to: mark)
            return reply(.tooManyRecipients, &output)
        }
        phase = .recipient
        return .checkRecipient
    }

    /// Lets the adapter see the recipient it must decide on, without a copy: the local part as the client meant it,
    /// without quotes, and the domain as `MailModel.Domain` has it; both are empty where the client gave none.
    ///
    /// `<postmaster>` alone is a recipient without a domain, and belongs to this host (RFC 5321 §4.5.1).
    package func withPendingRecipient<Result>(
        _ body: (_ localPart: Span<UInt8>, _ domain: Span<UInt8>) -> Result
    ) -> Result {
        let path = pendingRecipient.path
        let bytes = envelope.bytes.span
        return body(bytes.extracting(path.localPart), bytes.extracting(path.domain))
    }

    package mutating func recipientDecided(_ verdict: RecipientVerdict, into output: inout ByteBuffer) -> Action {
        guard phase == .recipient else { return .proceed }
        phase = .command
        switch verdict {
        case .accept: return take(copies: 1, &output)
        case .expand(let copies): return take(copies: copies, &output)
        case .refuse(let refusal):
            envelope.truncate(to: pendingRecipient.path.start)
            return reply(refusal, &output)
        case .decline(let refusal):
            envelope.truncate(to: pendingRecipient.path.start)
            return reply(refusal, &output)
        }
    }

    private mutating func take(copies: Int, _ output: inout ByteBuffer) -> Action {
        let isFirst = envelope.recipients.isEmpty
        guard isFirst || envelope.copies + copies <= configuration.expandedRecipientLimit else {
            envelope.truncate(to: pendingRecipient.path.start)
            return reply(.tooManyRecipients, &output)
        }
        envelope.copies += copies
        envelope.append(pendingRecipient)
        return reply(.recipientOK, &output)
    }

    /// - Returns: The reply to refuse the command with, or `nil` when `pendingRecipient` is complete.
    private mutating func readRecipient(_ line: Span<UInt8>, _ arguments: Int) -> ServerReply? {
        guard let start = pathStart(line, arguments, after: "TO:") else { return .rcptSyntax }
        var index = start
        do throws(PathReader.Failure) {
            let path = try pathReader.read(line, at: &index, into: &envelope.bytes)
            pendingRecipient = EnvelopeArena.RecipientSlot(path: path)
        } catch {
            return error == .tooLong ? .pathTooLong : error == .domain ? .badRecipientDomain : .badRecipient
        }
        let path = pendingRecipient.path
        guard !path.isNull, path.hasDomain || isPostmaster(path) else { return .badRecipient }
        if path.isEightBit && !envelope.isSMTPUTF8 { return .needsSMTPUTF8 }
        return readRecipientParameters(line, from: index)
    }

    private func isPostmaster(_ path: ParsedPath) -> Bool {
        envelope.bytes.span.equals("POSTMASTER", in: path.localPart)
    }

    private mutating func readRecipientParameters(_ line: Span<UInt8>, from index: Int) -> ServerReply? {
        var reader = ParameterReader(at: index)
        var seen: Set8 = []
        while true {
            switch reader.next(line) {
            case .end: return nil
            case .malformed: return .parameterSyntax
            case .parameter(let parameter):
                if line.equals("NOTIFY", in: parameter.keyword) {
                    guard seen.add(0), let value = parameter.value, let notify = notify(line, value)
                    else { return .parameterSyntax }
                    pendingRecipient.notify = notify
                } else if line.equals("ORCPT", in: parameter.keyword) {
                    guard seen.add(1), let value = parameter.value, readOriginalRecipient(line, value)
                    else { return .parameterSyntax }
                } else {
                    return .unknownParameter
                }
            }
        }
    }

    /// `NEVER`, or a list of `SUCCESS`, `FAILURE` and `DELAY` (RFC 3461 §4.1).
    private func notify(_ line: Span<UInt8>, _ value: Range<Int>) -> Notify? {
        if line.equals("NEVER", in: value) { return .never }
        var notify: Notify = []
        var start = value.lowerBound
        while start <= value.upperBound {
            var end = start
            while end < value.upperBound, line[end] != UInt8(ascii: ",") { end += 1 }
            if line.equals("SUCCESS", in: start..<end) {
                notify.insert(.success)
            } else if line.equals("FAILURE", in: start..<end) {
                notify.insert(.failure)
            } else if line.equals("DELAY", in: start..<end) {
                notify.insert(.delay)
            } else {
                return nil
            }
            start = end + 1
        }
        return notify
    }

    /// `addr-type ";" xtext`, up to 500 octets (RFC 3461 §4.2).
    private mutating func readOriginalRecipient(_ line: Span<UInt8>, _ value: Range<Int>) -> Bool {
        guard value.count <= 500 else { return false }
        let start = envelope.bytes.count
        var index = value.lowerBound
        while index < value.upperBound, line[index] != UInt8(ascii: ";") {
            guard Octet.isAtext(line[index]) else { return false }
            envelope.bytes.append(line[index])
            index += 1
        }
        guard index > value.lowerBound, index < value.upperBound - 1 else { return false }
        envelope.bytes.append(UInt8(ascii: ";"))
        guard XText.decode(line, index + 1..<value.upperBound, into: &envelope.bytes) else { return false }
        pendingRecipient.originalRecipient = start..<envelope.bytes.count
        return true
    }
}
