internal import MailModel
package import NIOCore

/// How far the mail transaction has come.
enum MailState: Equatable, Sendable {
    /// → sender
    case none
    /// MAIL was accepted; recipients may follow → chunks, none
    case sender
    /// BDAT has begun (RFC 3030): neither RCPT nor DATA may follow → none
    case chunks
}

extension ServerSession {
    /// RFC 5321 §4.1.1.2; SIZE of RFC 1870, BODY of 6152, SMTPUTF8 of 6531, RET and ENVID of 3461.
    mutating func mail(_ line: Span<UInt8>, _ arguments: Int, _ output: inout ByteBuffer) -> Action {
        guard mailState == .none else { return reply(.nestedMail, &output) }
        if let mailRefusal { return reply(mailRefusal, &output) }
        if let refusal = readMail(line, arguments) {
            noteRefusal(refusal, .mail)
            envelope.removeAll()
            return reply(refusal, &output)
        }
        if configuration.asksBeforeMail {
            phase = .sender
            return .checkSender
        }
        mailState = .sender
        return reply(.senderOK, &output)
    }

    /// Lets the adapter see the reverse-path, as `withPendingRecipient` does; both parts of `<>` are empty.
    package func withPendingSender<Result>(
        _ body: (_ localPart: Span<UInt8>, _ domain: Span<UInt8>) -> Result
    ) -> Result {
        let path = envelope.reversePath
        let bytes = envelope.bytes.span
        return body(bytes.extracting(path.localPart), bytes.extracting(path.domain))
    }

    package mutating func senderDecided(_ verdict: SenderVerdict, into output: inout ByteBuffer) -> Action {
        guard phase == .sender else { return .proceed }
        phase = .command
        switch verdict {
        case .accept:
            mailState = .sender
            return reply(.senderOK, &output)
        case .refuse(let refusal):
            envelope.removeAll()
            return reply(refusal, &output)
        case .decline(let refusal):
            envelope.removeAll()
            return reply(refusal, &output)
        }
    }

    /// - Returns: The reply to refuse the command with, or `nil`.
    private mutating func readMail(_ line: Span<UInt8>, _ arguments: Int) -> ServerReply? {
        guard let start = pathStart(line, arguments, after: "FROM:") else { return .mailSyntax }
        var index = start
        do throws(PathReader.Failure) {
            envelope.reversePath = try pathReader.read(line, at: &index, into: &envelope.bytes)
        } catch {
            return error == .tooLong ? .pathTooLong : error == .domain ? .badSenderDomain : .badSender
        }
        let path = envelope.reversePath
        guard path.isNull || path.hasDomain else { return .badSender }
        if let refusal = readMailParameters(line, from: index) { return refusal }
        return path.isEightBit && !envelope.isSMTPUTF8 ? .needsSMTPUTF8 : nil
    }

    private mutating func readMailParameters(_ line: Span<UInt8>, from index: Int) -> ServerReply? {
        var reader = ParameterReader(at: index)
        var seen: Set8 = []
        while true {
            switch reader.next(line) {
            case .end: return nil
            case .malformed: return .parameterSyntax
            case .parameter(let parameter):
                if let refusal = readMailParameter(line, parameter, &seen) { return refusal }
            }
        }
    }

    private mutating func readMailParameter(
        _ line: Span<UInt8>, _ parameter: ParameterReader.Parameter, _ seen: inout Set8
    ) -> ServerReply? {
        let (keyword, value) = (parameter.keyword, parameter.value)
        if line.equals("SIZE", in: keyword) {
            guard seen.add(0), let value, let size = line.decimal(in: value) else { return .parameterSyntax }
            envelope.declaredSize = size
            return size > configuration.sizeLimit ? .contentTooLarge : nil
        }
        if line.equals("BODY", in: keyword) {
            guard seen.add(1), let value else { return .parameterSyntax }
            if line.equals("8BITMIME", in: value) { envelope.body = .eightBitMIME; return nil }
            return line.equals("7BIT", in: value) ? nil : .unknownParameter
        }
        if line.equals("SMTPUTF8", in: keyword) {
            guard seen.add(2), value == nil else { return .parameterSyntax }
            envelope.isSMTPUTF8 = true
            return nil
        }
        if line.equals("RET", in: keyword) {
            guard seen.add(3), let value else { return .parameterSyntax }
            envelope.returnContent = line.equals("FULL", in: value) ? .full : .headers
            return envelope.returnContent == .full || line.equals("HDRS", in: value) ? nil : .parameterSyntax
        }
        if line.equals("ENVID", in: keyword) {
            let start = envelope.bytes.count
            guard seen.add(4), let value, value.count <= 100, XText.decode(line, value, into: &envelope.bytes)
            else { return .parameterSyntax }
            envelope.envelopeID = start..<envelope.bytes.count
            return nil
        }
        return .unknownParameter
    }

    var pathReader: PathReader {
        PathReader(
            limits: PathLimits(
                localPart: configuration.localPartLimit, path: max(256, configuration.localPartLimit + 192)))
    }

    /// Offset of the path behind `FROM:` or `TO:`. Blanks before the path are let through: many clients send one.
    func pathStart(_ line: Span<UInt8>, _ arguments: Int, after word: StaticString) -> Int? {
        var index = arguments + word.utf8CodeUnitCount
        guard index <= line.count, line.equals(word, in: arguments..<index) else { return nil }
        while index < line.count, Octet.isBlank(line[index]) { index += 1 }
        return index
    }
}

/// Set of up to eight small numbers, for parameters that may be given once.
struct Set8: OptionSet {
    let rawValue: UInt8
    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// - Returns: Whether the number was not yet in the set.
    mutating func add(_ number: UInt8) -> Bool { insert(Set8(rawValue: 1 << number)).inserted }
}
