internal import NIOCore
internal import SMTPProtocol

extension ServerHandler {
    /// Ends the session with a reply of the adapter's own.
    func end(_ reply: ServerReply, _ context: ChannelHandlerContext) {
        switch state {
        case .running: session.end(reply, into: &output)
        case .silence: reply.write(into: &output)
        // Nobody would understand a reply.
        case .handshaking, .proxyHeader: break
        case .starting, .closing, .closed: return
        }
        close(context)
    }

    func drainIfIdle(_ context: ChannelHandlerContext) {
        guard isDraining, !isAwaitingAcceptance, !session.isInTransaction else { return }
        end(.shuttingDown, context)
    }

    func close(_ context: ChannelHandlerContext) {
        guard state != .closing, state != .closed else { return }
        state = .closing
        tellRefusals()
        tarpit?.cancel()
        tarpit = nil
        // After QUIT the client has nothing more to send.
        let isFinished = session.wasQuit && input.readableBytes == 0
        input = ByteBuffer()
        updateGauge()
        let last = output
        output = ByteBuffer()
        let mode: CloseMode = tlsHandler == nil && !isFinished ? .output : .all
        context.writeAndFlush(wrapOutboundOut(last)).assumeIsolated().whenComplete { _ in
            // Closed at once, octets not yet read would make the kernel reset the connection, and the last reply be
            // lost. So the client gets time to read it and to close its own side.
            context.close(mode: mode, promise: nil)
        }
        if !isFinished { armTimer() }
    }

    /// Tells the gauge what this connection holds now.
    func updateGauge() {
        let held = (state == .closing || state == .closed ? 0 : session.retainedBytes) + heldBytes
        guard held != gaugedBytes else { return }
        shared.gauge.add(held - gaugedBytes)
        gaugedBytes = held
    }

    /// Keeps no large read buffer for the sake of half a command.
    func compactInput() {
        let count = input.readableBytes
        if count == 0 {
            input = ByteBuffer()
        } else if input.storageCapacity > 4096, count < input.storageCapacity / 4 {
            var small = ByteBuffer()
            small.writeBuffer(&input)
            input = small
        }
    }
}
