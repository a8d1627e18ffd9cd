import MailModel
import NIOCore

extension ClientSession {
    /// Takes the reply to the command at `receiveCursor`.
    ///
    /// - Parameter bytesFollow: More of the server's bytes had come with it.
    mutating func received(_ reply: WireReply, bytesFollow: Bool) {
        guard receiveCursor < sendCursor else { return receivedUnasked(reply) }
        if receiveCursor.step == .quit { return end(nil) }
        if reply.isClosing { return receivedClosing(reply) }
        switch receiveCursor.step {
        case .greeting: receivedGreeting(reply)
        case .ehlo: receivedEHLO(reply)
        case .helo: receivedHELO(reply)
        case .startTLS: receivedStartTLS(reply, bytesFollow: bytesFollow)
        case .reset: receivedReset(reply)
        case .mail: receivedMAIL(reply)
        case .rcpt: receivedRCPT(reply)
        case .data: receivedDATA(reply)
        case .content: receivedAcknowledgement(reply)
        case .handshake, .idle, .completed, .quit, .closed: break
        }
    }

    private mutating func receivedGreeting(_ reply: WireReply) {
        guard reply.isPositive else { return refuse(reply) }
        receiveCursor = successor(of: receiveCursor)
    }

    private mutating func receivedEHLO(_ reply: WireReply) {
        if reply.isPositive {
            let extensions = OfferedExtensions(reply)
            guard startTLS != .never, !isTLS else { return becomeReady(extensions) }
            if extensions.contains(.startTLS) {
                learn(extensions)
                return move(to: .startTLS)
            }
            guard startTLS != .required else { return tlsFailed("STARTTLS is required and not offered") }
            return becomeReady(extensions)
        }
        // RFC 5321 §3.2: a server without EHLO answers 5xx. LMTP and TLS have no such older form.
        guard reply.replyClass == .permanent, dialect == .smtp, !isTLS else { return refuse(reply) }
        receiveCursor = successor(of: receiveCursor)
    }

    private mutating func receivedHELO(_ reply: WireReply) {
        guard reply.isPositive else { return refuse(reply) }
        guard startTLS != .required else { return tlsFailed("STARTTLS is required and not offered") }
        becomeReady(OfferedExtensions())
    }

    private mutating func receivedStartTLS(_ reply: WireReply, bytesFollow: Bool) {
        guard reply.isPositive else {
            // RFC 3207 §4: the session may go on without.
            return startTLS == .required ? refuse(reply) : becomeReady(offered)
        }
        // Bytes from before TLS would be taken for the server's own afterwards.
        guard !bytesFollow else { return violate("bytes follow the reply to STARTTLS") }
        receiveCursor = successor(of: receiveCursor)
        announceStartTLS()
    }

    private mutating func receivedReset(_ reply: WireReply) {
        guard reply.isPositive else { return refuse(reply) }
        needsReset = false
        receiveCursor = successor(of: receiveCursor)
    }

    private mutating func receivedMAIL(_ reply: WireReply) {
        switch reply.replyClass {
        case .positive: needsReset = true
        case .transient, .permanent: fail(failure(reply))
        case .intermediate: return violate("the reply to MAIL is 3xx")
        }
        receiveCursor = successor(of: receiveCursor)
        finishIfHopeless()
    }

    private mutating func receivedRCPT(_ reply: WireReply) {
        switch reply.replyClass {
        case .positive where transaction?.outbound.isProbe == true:
            decide(receiveCursor.index, .delivered(reply.reply()))
        case .positive: transaction?.accept()
        case .transient, .permanent: decide(receiveCursor.index, .failed(failure(reply)))
        case .intermediate: return violate("the reply to RCPT is 3xx")
        }
        receiveCursor = successor(of: receiveCursor)
        finishIfHopeless()
    }

    private mutating func receivedDATA(_ reply: WireReply) {
        guard let state = transaction else { return }
        switch reply.replyClass {
        case .positive: return violate("the reply to DATA is 2xx")
        case .transient, .permanent:
            if state.isHopeful { fail(failure(reply)) }
            finishTransaction()
        case .intermediate:
            receiveCursor = successor(of: receiveCursor)
            if !state.isHopeful {
                // DATA went out with the rest, and the server wants content for nobody: it gets a lone dot. A server
                // of LMTP answers once for each accepted recipient, so not at all, and cannot be followed further.
                guard dialect == .smtp else { return violate("DATA was accepted without a recipient") }
                transaction?.sendNothing()
            }
            announceContent()
        }
    }

    private mutating func receivedAcknowledgement(_ reply: WireReply) {
        guard reply.replyClass != .intermediate else { return violate("the reply to the final dot is 3xx") }
        if isRefusalOfBDAT(reply) { return chunkingRefused(reply) }
        // RFC 5321 §4.1.1.4: whatever the reply, the server's buffers are cleared.
        needsReset = false
        let result: RecipientResult = reply.isPositive ? .delivered(reply.reply()) : .failed(failure(reply))
        switch dialect {
        case .smtp:
            transaction?.outcome = result
            finishTransaction()
        case .lmtp:
            guard let index = transaction?.firstUndecided else { return finishTransaction() }
            decide(index, result)
            if transaction?.firstUndecided == nil { finishTransaction() }
        }
    }

    /// Ends a transaction nobody can be reached by, once nothing more is outstanding and before DATA is written.
    private mutating func finishIfHopeless() {
        guard let state = transaction, sendCursor == receiveCursor, sendCursor.step <= .data else { return }
        if state.failure != nil || (sendCursor.step == .data && !state.isHopeful) { finishTransaction() }
    }

    /// The host, or something on the way to it, does not know the command after all.
    private func isRefusalOfBDAT(_ reply: WireReply) -> Bool {
        guard let transaction, transaction.pieces.isChunk, reply.code == 500 || reply.code == 502 else { return false }
        // In LMTP a later one is about its recipient.
        return transaction.isFirstAnswer
    }

    /// What came after BDAT was read as commands, so nothing that this host says now can be trusted.
    private mutating func chunkingRefused(_ reply: WireReply) {
        let text = "the host offers CHUNKING and refuses BDAT: \(reply.reply())"
        let failure = Failure(stage: .data, cause: .missingExtension, text: text)
        fail(failure)
        end(failure)
    }

    /// A reply to nothing: before the final dot it can only be a refusal of what is being sent.
    private mutating func receivedUnasked(_ reply: WireReply) {
        if receiveCursor.step == .content, isRefusalOfBDAT(reply) { return chunkingRefused(reply) }
        if reply.isClosing || (receiveCursor.step == .content && !reply.isPositive) { return receivedClosing(reply) }
        violate("a reply came unasked")
    }

    /// The server ends the session with this reply; QUIT would be too late.
    ///
    /// A reply to the content in LMTP is about one recipient (RFC 2033 §4.2); it says nothing about those after it,
    /// who may have the message once the final dot is out, and who lose the connection with it.
    private mutating func receivedClosing(_ reply: WireReply) {
        if dialect == .lmtp, receiveCursor.step == .content, let index = transaction?.firstUndecided {
            decide(index, .failed(failure(reply)))
            if transaction?.isDecided == false {
                let text = "the host ended the session before its answer"
                fail(Failure(stage: stage, cause: .connectionLost, text: text))
            }
        }
        end(failure(reply))
    }

    /// The server refuses the session; QUIT is still sent (RFC 5321 §3.1), its reply not awaited.
    private mutating func refuse(_ reply: WireReply) {
        isRefused = true
        end(failure(reply))
    }

    private mutating func violate(_ text: String) {
        end(Failure(stage: stage, cause: .protocolViolation, text: text))
    }

    private mutating func fail(_ failure: Failure) { transaction?.failure = failure }

    private mutating func decide(_ index: Int, _ result: RecipientResult) { transaction?.decide(index, result) }

    private func failure(_ reply: WireReply) -> Failure {
        Failure(stage: stage, cause: .reply(reply.reply()), text: "the host refused")
    }
}
