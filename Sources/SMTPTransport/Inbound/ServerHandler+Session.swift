internal import MailModel
internal import NIOCore
internal import NIOSSL
internal import SMTPProtocol

extension ServerHandler {
    /// Replies collected before they are written within a batch, in octets.
    private static let outputLimit = 16 << 10

    func process(_ context: ChannelHandlerContext) {
        guard !isProcessing, !isHalted, state == .running else { return }
        isProcessing = true
        session.mailRefusal = shared.gauge.isFull ? .outOfMemory : shared.receiver.mailRefusal()
        let receivedBefore = session.receivedBytes
        var isProgress = false
        while state == .running, !isHalted, hasRoom(context), step(context) { isProgress = true }
        isProcessing = false
        tellRefusals()
        if session.refusals > countedRefusals {
            let count = session.refusals - countedRefusals
            countedRefusals = session.refusals
            countRefusals(count, context)
        }
        guard state == .running else { return }
        if isProgress || session.receivedBytes != receivedBefore {
            clock.progressed(.now(), isReceivingContent: session.isReceivingContent, received: session.receivedBytes)
        }
        updateGauge()
        if shared.gauge.isOverfull {
            session.abandonContent(.outOfMemory)
            updateGauge()
        }
        compactInput()
        drainIfIdle(context)
    }

    /// - Returns: Whether there may be more to do.
    private func step(_ context: ChannelHandlerContext) -> Bool {
        var action = session.next(&input, into: &output)
        if action == .checkRecipient {
            let verdict = session.withPendingRecipient { localPart, domain in
                shared.receiver.checkRecipient(localPart, at: domain, from: client)
            }
            if verify(verdict, context) { return true }
            action = session.recipientDecided(verdict, into: &output)
        }
        if session.errors > tarpitThreshold { holdBack(context) }
        switch action {
        case .needMoreBytes: return false
        case .proceed, .checkRecipient: break
        case .checkSender:
            let verdict = session.withPendingSender { localPart, domain in
                shared.receiver.checkSender(localPart, at: domain, from: client)
            }
            if session.senderDecided(verdict, into: &output) == .close { close(context) }
        case .overrideClient: overrideClient(context)
        case .accept: deliver(context)
        case .beginTLS: beginTLS(context)
        case .close: close(context)
        }
        return true
    }

    /// - Returns: Whether the answer to RCPT comes later.
    private func verify(_ verdict: RecipientVerdict, _ context: ChannelHandlerContext) -> Bool {
        switch verdict {
        case .refuse, .decline: return false
        case .accept, .expand: break
        }
        let answer = session.withPendingRecipient { localPart, domain in
            shared.receiver.verifyRecipient(localPart, at: domain, from: client, on: context.eventLoop)
        }
        guard let answer else { return false }
        isAwaitingAcceptance = true
        answer.hop(to: context.eventLoop).assumeIsolated().whenComplete { result in
            self.isAwaitingAcceptance = false
            guard let context = self.context, self.state == .running else { return }
            var verdict = verdict
            if case .success(let refusal?) = result { verdict = .refuse(refusal) }
            self.clock.progressed(.now(), isReceivingContent: false, received: 0)
            if self.session.recipientDecided(verdict, into: &self.output) == .close { self.close(context) }
            if self.session.errors > self.tarpitThreshold { self.holdBack(context) }
            // Within `process` the loop there goes on.
            if !self.isProcessing { self.resume(context) }
        }
        return true
    }

    /// Writes replies out when there are many; a client that sends commands and reads no replies is not read further.
    private func hasRoom(_ context: ChannelHandlerContext) -> Bool {
        guard output.readableBytes >= Self.outputLimit else { return true }
        flush(context)
        return !isStalled
    }

    private func deliver(_ context: ChannelHandlerContext) {
        let transaction = session.takeTransaction()
        heldBytes = transaction.content.readableBytes
        isAwaitingAcceptance = true
        updateGauge()
        shared.receiver.receive(transaction, from: client, on: context.eventLoop)
            .hop(to: context.eventLoop).assumeIsolated()
            .whenComplete { self.answered($0) }
    }

    private func answered(_ result: Result<Reply, any Error>) {
        heldBytes = 0
        isAwaitingAcceptance = false
        updateGauge()
        guard let context, state == .running else { return }
        let reply: Reply
        switch result {
        case .success(let answer): reply = answer
        case .failure: reply = Reply(ServerReply.localError)
        }
        clock.progressed(.now(), isReceivingContent: false, received: 0)
        if reply.isPositive { clock.accepted(.now()) }
        if session.accepted(reply, into: &output) == .close { close(context) }
        // Within `process` the loop there goes on.
        if !isProcessing { resume(context) }
    }

    func beginTLS(_ context: ChannelHandlerContext) {
        flush(context)
        input = ByteBuffer()
        guard let tlsContext else { return close(context) }
        do {
            let (handler, watch) = (NIOSSLServerHandler(context: tlsContext), CipherWatch(.server))
            (tlsHandler, cipherWatch) = (handler, watch)
            state = .handshaking
            try context.pipeline.syncOperations.addHandlers([watch, handler], position: .before(self))
        } catch {
            // The channel is closing: no handler can be added any more.
            close(context)
        }
    }

    func tlsRuns() {
        guard let tlsHandler, tlsHandler.tlsVersion != nil else { return }
        let facts = TLSFacts(tlsHandler, cipherWatch)
        client.tls = facts
        session.tlsEstablished(facts)
        state = .running
        clock.progressed(.now(), isReceivingContent: false, received: 0)
    }
}
