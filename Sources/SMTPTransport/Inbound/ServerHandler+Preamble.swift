internal import MailModel
internal import NIOCore
internal import NIOSSL
internal import SMTPProtocol

/// What comes before the greeting: whom a balancer speaks for, who may come in, and a silence that clients have to keep.
extension ServerHandler {
    func awaitProxyHeader(_ context: ChannelHandlerContext) {
        state = .proxyHeader
        waitEnd = .now() + shared.configuration.proxyHeaderTimeout
        armTimer()
    }

    /// Octets that come while no session runs.
    func readEarly(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        switch state {
        case .proxyHeader:
            input.writeImmutableBuffer(bytes)
            readProxyHeader(context)
        case .silence: refuseEarlyTalk(context)
        case .starting, .running, .handshaking, .closing, .closed: break
        }
    }

    private func readProxyHeader(_ context: ChannelHandlerContext) {
        switch ProxyHeader.read(input.readableBytesUInt8Span) {
        case .incomplete: return
        case .malformed(let reason): return refuseProxyHeader(reason, context)
        case .header(let header, let length):
            input.moveReaderIndex(forwardBy: length)
            switch header.origin {
            case .local: break
            case .unknown: client.isUnknown = true
            case .client(let source, let destination):
                (client.address, client.port) = (source.address.description, source.port)
                (client.localAddress, client.localPort) = (destination.address.description, destination.port)
            }
        }
        // A balancer takes its time; the client's begins here.
        clock = ProgressClock(now: .now())
        state = .running
        let rest = input
        input = ByteBuffer()
        admit(context)
        guard rest.readableBytes > 0 else { return }
        switch state {
        // Through the TLS handler, which stands before this one by now.
        case .handshaking: context.pipeline.syncOperations.fireChannelRead(NIOAny(rest))
        case .silence: refuseEarlyTalk(context)
        case .running:
            input = rest
            process(context)
        case .starting, .proxyHeader, .closing, .closed: break
        }
    }

    /// Closed without a reply: what the peer waits for is not known.
    func refuseProxyHeader(_ reason: String, _ context: ChannelHandlerContext) {
        shared.receiver.noted(.proxyHeaderRefused(reason), of: client)
        close(context)
    }

    private func refuseEarlyTalk(_ context: ChannelHandlerContext) {
        shared.receiver.noted(.earlyTalk, of: client)
        ServerReply.earlyTalker.write(into: &output)
        close(context)
    }

    /// The client is known: asks the role, and greets it at once, after a silence, or within TLS.
    func admit(_ context: ChannelHandlerContext) {
        if let refusal = identify(context) {
            refusal.write(into: &output)
            return close(context)
        }
        switch shared.receiver.admit(&client) {
        case .refuse(let reply):
            reply.write(into: &output)
            close(context)
        case .serve(var configuration, let tls):
            tlsContext = tls
            configuration.offersTLS = tls != nil
            session = ServerSession(configuration: configuration)
            if shared.configuration.startsWithTLS {
                beginTLS(context)
            } else if shared.configuration.greetDelay > .zero, !client.isSpared {
                state = .silence
                waitEnd = .now() + shared.configuration.greetDelay
            }
            armTimer()
            // In TLS the greeting waits for the handshake by itself.
            if state == .running || state == .handshaking { session.greet(&output) }
            flush(context)
        }
    }

    /// The silence is over.
    func greet(_ context: ChannelHandlerContext) {
        state = .running
        clock = ProgressClock(now: .now())
        armTimer()
        session.greet(&output)
        flush(context)
    }

    private func identify(_ context: ChannelHandlerContext) -> ServerReply? {
        let refusal = shared.registry.identify(context.channel, as: IPAddress(client.address))
        if refusal != nil { shared.receiver.noted(.tooManyOfClient, of: client) }
        return refusal
    }

    /// XCLIENT: the session begins anew for somebody else.
    func overrideClient(_ context: ChannelHandlerContext) {
        client.apply(session.pendingOverride)
        if let refusal = identify(context) {
            refusal.write(into: &output)
            return close(context)
        }
        switch shared.receiver.admit(&client) {
        case .refuse(let reply):
            reply.write(into: &output)
            close(context)
        case .serve(var configuration, let tls):
            configuration.offersTLS = tls != nil
            session.clientOverridden(configuration, into: &output)
        }
    }
}

extension ClientInfo {
    mutating func apply(_ override: ClientOverride) {
        isOverridden = true
        switch override.address {
        case .kept: break
        case .unavailable: (address, isUnknown) = ("", true)
        case .value(let value): (address, isUnknown) = (value.description, false)
        }
        override.port.apply(to: &port, unavailable: 0)
        override.destinationPort.apply(to: &localPort, unavailable: 0)
        switch override.destinationAddress {
        case .kept: break
        case .unavailable: localAddress = ""
        case .value(let value): localAddress = value.description
        }
        switch override.login {
        case .kept: break
        case .unavailable: login = nil
        case .value(let value): login = value
        }
    }
}

extension ClientOverride.Attribute {
    fileprivate func apply(to value: inout Value, unavailable: Value) {
        switch self {
        case .kept: break
        case .unavailable: value = unavailable
        case .value(let given): value = given
        }
    }
}

extension SocketAddress {
    /// Text without port; an IPv4 address mapped into IPv6, as a socket for both sees it, is written as IPv4.
    var canonicalAddress: String {
        guard let text = ipAddress else { return "" }
        guard text.utf8.contains(UInt8(ascii: ":")) else { return text }
        return IPAddress(self)?.description ?? text
    }
}
