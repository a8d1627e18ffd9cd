package import MailModel
package import NIOCore

/// Server side of one SMTP session (RFC 5321): bytes in, replies and actions out. Does no I/O and knows no clock.
///
/// The adapter calls `next` until it wants more bytes or names something that only the adapter can do. Between
/// `accept` and `accepted`, and between `checkRecipient` and `recipientDecided`, pipelined commands stay in the input.
/// A command in steady state allocates nothing.
package struct ServerSession: Sendable {
    package enum Action: Equatable, Sendable {
        /// Nothing to do with what has come so far.
        case needMoreBytes
        /// A command or chunk was dealt with; call `next` again.
        case proceed
        /// Look at the recipient with `withPendingRecipient`, then call `recipientDecided`.
        case checkRecipient
        /// Say whether this client may send a message now, with `senderDecided`; only where `asksBeforeMail` is set.
        case checkSender
        /// Look at `pendingOverride`, then call `clientOverridden`.
        case overrideClient
        /// Flush the output, start TLS, then call `tlsEstablished`.
        case beginTLS
        /// The content is complete: call `takeTransaction`, and `accepted` once its fate is known.
        case accept
        /// Flush the output and close the connection.
        case close
    }

    enum Phase: Equatable, Sendable {
        /// → sender, recipient, data, chunk, tls, override, closed
        case command
        /// Waits for `senderDecided` → command
        case sender
        /// Waits for `recipientDecided` → command
        case recipient
        /// Waits for `clientOverridden` → command
        case override
        /// → command, acceptance, closed
        case data
        /// Octets of the BDAT chunk still to come → command, acceptance, closed
        case chunk(remaining: Int)
        /// Waits for `accepted` → command, closed
        case acceptance
        /// Waits for `tlsEstablished` → command
        case tls
        /// Final.
        case closed
    }

    /// Content that is refused and not kept is read on up to this multiple of the size limit, for its sender to get the reply.
    private static let patience = 4

    package private(set) var configuration: Configuration
    var phase = Phase.command
    var mailState = MailState.none
    var envelope = EnvelopeArena()
    var pendingRecipient = EnvelopeArena.RecipientSlot(path: ParsedPath())
    var content: ContentReceiver
    var chunk = ChunkState()
    var clientName: [UInt8] = []
    var isESMTP = false
    private var line = LineScanner()
    /// Negative replies of class 5 since the last accepted message.
    package internal(set) var errors = 0
    /// The same since the connection began.
    package internal(set) var refusals = 0
    /// Refusals of transactions and recipients that nobody was told yet, and how many more may be.
    var untold = SessionRefusals()
    var idleCommands = 0
    var clientOverride = ClientOverride()
    /// `clientName` was given by XCLIENT, and no EHLO followed.
    var isNameOverridden = false

    /// `nil` while the connection is in clear.
    package internal(set) var tls: TLSFacts?
    /// Set by the adapter while no new mail can be taken: the answer to MAIL, of class 4.
    package var mailRefusal: ServerReply?

    package init(configuration: Configuration) {
        self.configuration = configuration
        content = ContentReceiver(limits: configuration.contentLimits)
    }

    /// The greeting (RFC 5321 §4.2); the first thing on a connection.
    package func greet(_ output: inout ByteBuffer) {
        output.writeStaticString("220 ")
        output.writeString(configuration.hostname)
        output.writeStaticString(" ESMTP ")
        output.writeString(configuration.greeting)
        output.writeStaticString("\r\n")
    }

    /// Deals with at most one command, chunk, or piece of content.
    package mutating func next(_ input: inout ByteBuffer, into output: inout ByteBuffer) -> Action {
        switch phase {
        case .command: return nextCommand(&input, &output)
        case .data: return receiveData(&input, &output)
        case .chunk(let remaining): return receiveChunk(&input, remaining, &output)
        case .sender, .recipient, .acceptance, .tls, .override: return .needMoreBytes
        case .closed:
            input.clear()
            return .close
        }
    }

    /// Octets of content held in memory.
    package var retainedBytes: Int { content.retainedBytes }
    /// Octets of the running content that have come, kept or not.
    package var receivedBytes: Int { content.retainedBytes + content.discarded }
    /// Whether content is coming in, as opposed to commands.
    package var isReceivingContent: Bool {
        switch phase {
        case .data, .chunk: true
        default: false
        }
    }
    /// Whether the client has begun a mail transaction that is not finished.
    package var isInTransaction: Bool { mailState != .none || phase == .acceptance }
    package var isClosed: Bool { phase == .closed }
    /// The client ended the session with QUIT.
    package internal(set) var wasQuit = false

    /// Gives up the content that is coming in: it is read to its end and answered with `reply`.
    package mutating func abandonContent(_ reply: ServerReply) {
        if isReceivingContent || mailState == .chunks { content.refuse(reply) }
    }

    /// Ends the session for a reason of the adapter's, such as a time limit.
    package mutating func end(_ reply: ServerReply, into output: inout ByteBuffer) { _ = close(reply, &output) }
}

extension ServerSession {
    private mutating func nextCommand(_ input: inout ByteBuffer, _ output: inout ByteBuffer) -> Action {
        let (short, long) = (configuration.lineLimit, configuration.envelopeLineLimit)
        let (result, drop) = line.next(input.readableBytesUInt8Span) {
            CommandTable.mayBeLong($0) ? long : short
        }
        input.moveReaderIndex(forwardBy: drop)
        switch result {
        case .incomplete: return .needMoreBytes
        case .overlong: return reply(.lineTooLong, &output)
        case .line(let count):
            let action = run(input.readableBytesUInt8Span.extracting(0..<count), &output)
            if action == .beginTLS || action == .close {
                // Commands sent along with STARTTLS were sent in clear, maybe by somebody else (RFC 3207 §6).
                input.clear()
            } else {
                input.moveReaderIndex(forwardBy: count + 2)
            }
            return action
        }
    }

    private mutating func run(_ line: Span<UInt8>, _ output: inout ByteBuffer) -> Action {
        let flaws = LineFlaws(of: line)
        if flaws.contains(.bareLineEnd) { return reply(.bareLineEnd, &output) }
        if flaws.contains(.control) {
            // The third line of a binary PROXY header that is not expected here: see the verb PROXY.
            if line.count == 1, line[0] == 0 { return close(.proxyNotExpected, &output) }
            return reply(.badOctets, &output)
        }
        let (key, end) = CommandTable.key(of: line)
        guard let command = CommandTable.command(key) else { return reply(.unknownCommand, &output) }
        let flags = command.flags
        if flaws.contains(.eightBit), !flags.contains(.eightBit) { return reply(.badOctets, &output) }
        if configuration.requiresTLS, tls == nil, !flags.contains(.beforeTLS) { return reply(.tlsRequired, &output) }
        if clientName.isEmpty, !flags.contains(.beforeGreeting) { return reply(.greetFirst, &output) }
        var arguments = end
        while arguments < line.count, Octet.isBlank(line[arguments]) { arguments += 1 }
        if flags.contains(.bare), arguments < line.count { return reply(.noParameters, &output) }
        if flags.contains(.idle) {
            idleCommands += 1
            if idleCommands > configuration.idleCommandLimit, tooManyErrors() { return close(.tooManyErrors, &output) }
        }
        return command.handler(&self, line, arguments, &output)
    }

    private mutating func receiveData(_ input: inout ByteBuffer, _ output: inout ByteBuffer) -> Action {
        guard input.readableBytes > 0 else { return .needMoreBytes }
        if content.receiveStuffed(&input) { return finishContent(&output) }
        return isPatient ? .needMoreBytes : close(content.fault ?? .contentTooLarge, &output)
    }

    var isPatient: Bool {
        let (limit, overflow) = configuration.sizeLimit.multipliedReportingOverflow(by: Self.patience)
        return overflow || content.discarded <= limit
    }

    /// The content has ended: refuse it here, or hand it over.
    mutating func finishContent(_ output: inout ByteBuffer) -> Action {
        if let fault = content.verdict() {
            noteRefusal(fault, .content)
            endTransaction()
            return reply(fault, &output)
        }
        phase = .acceptance
        return .accept
    }

    /// The complete message. To be called once after `accept`.
    package mutating func takeTransaction() -> ReceivedTransaction {
        precondition(phase == .acceptance, "no message to take")
        let domain = Domain(normalizing: configuration.hostname) ?? Domain(canonical: configuration.hostname)
        return ReceivedTransaction(
            envelope: envelope.envelope(postmasterDomain: domain), content: content.take(),
            ehlo: String(decoding: clientName, as: UTF8.self), isESMTP: isESMTP, tls: tls)
    }

    /// Answers the end of the content, once the fate of the message is known.
    package mutating func accepted(_ answer: Reply, into output: inout ByteBuffer) -> Action {
        guard phase == .acceptance else { return .proceed }
        endTransaction()
        answer.write(into: &output)
        if answer.isPositive { (errors, idleCommands) = (0, 0) }
        if answer.code == 421 {
            phase = .closed
            return .close
        }
        if answer.code >= 500, tooManyErrors() { return close(.tooManyErrors, &output) }
        return .proceed
    }

    /// TLS runs: what was said in clear is forgotten (RFC 3207 §4.2).
    package mutating func tlsEstablished(_ facts: TLSFacts) {
        tls = facts
        line.reset()
        endTransaction()
        clientName.removeAll(keepingCapacity: true)
        (isESMTP, isNameOverridden) = (false, false)
    }

    mutating func endTransaction() {
        phase = .command
        mailState = .none
        chunk = ChunkState()
        envelope.removeAll()
        content.begin(declaredSize: 0)
    }

    /// Answers a command. Every reply of class 5 counts as an error; too many of them close the connection.
    mutating func reply(_ reply: ServerReply, _ output: inout ByteBuffer) -> Action {
        reply.write(into: &output)
        return reply.isPermanentError && tooManyErrors() ? close(.tooManyErrors, &output) : .proceed
    }

    /// The same for a reply that is no constant; 421 closes the connection (RFC 5321 §3.8).
    mutating func reply(_ reply: Reply, _ output: inout ByteBuffer) -> Action {
        reply.write(into: &output)
        if reply.code == 421 {
            endTransaction()
            phase = .closed
            return .close
        }
        return reply.code >= 500 && tooManyErrors() ? close(.tooManyErrors, &output) : .proceed
    }

    mutating func close(_ reply: ServerReply, _ output: inout ByteBuffer) -> Action {
        reply.write(into: &output)
        // What is cut short was not refused by the command at hand; one too many errors ends what comes after as well.
        if isReceivingContent {
            noteRefusal(reply, .content)
        } else if reply == .tooManyErrors {
            noteRefusal(reply, .session)
        }
        endTransaction()
        phase = .closed
        return .close
    }

    private mutating func tooManyErrors() -> Bool {
        errors += 1
        refusals += 1
        return errors > configuration.errorLimit
    }
}
