internal import MailModel
package import NIOCore
internal import NIOSSL
internal import SMTPProtocol

/// Runs one `ServerSession` on a channel: feeds it what comes in, writes its replies, does what it asks for.
///
/// Bound to the event loop of its channel. The replies to one batch of reads leave in one write. While the role
/// considers a message, or the client does not read its replies, nothing more is read.
package final class ServerHandler: ChannelDuplexHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    /// What the connections of one listener have in common.
    package struct Shared: Sendable {
        let configuration: SMTPListener.Configuration
        let receiver: any MailReceiver
        let gauge: ContentGauge
        let registry: ConnectionRegistry

        package init(
            configuration: SMTPListener.Configuration, receiver: any MailReceiver, gauge: ContentGauge,
            registry: ConnectionRegistry
        ) {
            self.configuration = configuration
            self.receiver = receiver
            self.gauge = gauge
            self.registry = registry
        }
    }

    /// User event: finish what is under way, then close.
    package struct Drain: Sendable {
        package init() {}
    }

    enum State: Equatable {
        /// → proxyHeader, silence, running, closing
        case starting
        /// Waits for the balancer to say who the client is → silence, running, closing
        case proxyHeader
        /// Waits before the greeting; the client has to wait as well → running, closing
        case silence
        /// → handshaking, closing
        case running
        /// TLS was begun; the first octets through it show that it runs → running, closing
        case handshaking
        /// The last reply is written; what comes in is dropped → closed
        case closing
        case closed
    }

    let shared: Shared
    var state = State.starting
    var session = ServerHandler.noSession
    var client = ClientInfo()
    var context: ChannelHandlerContext?
    package var clock = ProgressClock(now: .now())
    var timer: Scheduled<Void>?
    /// End of the wait in `proxyHeader` and `silence`.
    var waitEnd = NIODeadline.distantFuture
    /// Replies to an erring client are held back until it fires.
    var tarpit: Scheduled<Void>?
    /// Refusals of the session that were held back for already.
    var heldBackFor = 0
    /// Refusals that the limits of its client know of; a reply that came later is counted with the next batch.
    var countedRefusals = 0
    var tlsContext: NIOSSLContext?
    var tlsHandler: NIOSSLServerHandler?
    var cipherWatch: CipherWatch?
    var input = ByteBuffer()
    var output = ByteBuffer()
    /// The role considers a message or a recipient.
    package var isAwaitingAcceptance = false
    /// The client does not read.
    var isStalled = false
    var isDraining = false
    var isProcessing = false
    private var isReadPending = false
    /// Octets of the message that the role considers.
    var heldBytes = 0
    /// Octets of this connection that the gauge knows of.
    var gaugedBytes = 0

    /// Stands in before the greeting and after the end; made once, as a session has storage of its own.
    static let noSession = ServerSession(configuration: ServerSession.Configuration(hostname: ""))

    package init(_ shared: Shared) { self.shared = shared }

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { start(context) }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        ended(context)
        self.context = nil
    }

    package func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    package func channelInactive(context: ChannelHandlerContext) {
        ended(context)
        context.fireChannelInactive()
    }

    private func start(_ context: ChannelHandlerContext) {
        guard state == .starting else { return }
        client.listener = shared.configuration.name
        client.sessionID = SessionID.next()
        if let remote = context.remoteAddress {
            (client.address, client.port) = (remote.canonicalAddress, remote.port ?? 0)
            client.peerAddress = client.address
        }
        if let local = context.localAddress {
            (client.localAddress, client.localPort) = (local.canonicalAddress, local.port ?? 0)
        }
        clock = ProgressClock(now: .now())
        state = .running
        if let refusal = shared.registry.add(context.channel) {
            refusal.write(into: &output)
            return close(context)
        }
        if shared.receiver.expectsProxyHeader(from: client) { return awaitProxyHeader(context) }
        admit(context)
    }

    private func ended(_ context: ChannelHandlerContext) {
        guard state != .closed else { return }
        let wasStarted = state != .starting
        state = .closed
        timer?.cancel()
        tarpit?.cancel()
        (timer, tarpit) = (nil, nil)
        (input, output) = (ByteBuffer(), ByteBuffer())
        session = Self.noSession
        updateGauge()
        if wasStarted { shared.registry.remove(context.channel) }
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A broken connection or TLS session: there is nobody to tell, and what was accepted is not affected.
        context.close(promise: nil)
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is Drain {
            isDraining = true
            drainIfIdle(context)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if state == .handshaking { tlsRuns() }
        guard state == .running else { return readEarly(unwrapInboundIn(data), context) }
        var bytes = unwrapInboundIn(data)
        if input.readableBytes == 0 { input = bytes } else { input.writeBuffer(&bytes) }
        // The read buffer is used again where nobody else holds it.
        bytes = ByteBuffer()
        process(context)
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        flush(context)
        context.fireChannelReadComplete()
    }

    package func read(context: ChannelHandlerContext) {
        // One read ahead while the role considers a message: not to read costs two system calls a message, and hardly
        // any client sends more before the reply.
        let mayReadAhead = isAwaitingAcceptance && input.readableBytes == 0 && !isStalled && tarpit == nil
        if isHalted, !mayReadAhead { isReadPending = true } else { context.read() }
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isStalled, context.channel.isWritable {
            isStalled = false
            resume(context)
        }
        context.fireChannelWritabilityChanged()
    }

    /// Nothing more is read for now.
    var isHalted: Bool { isAwaitingAcceptance || isStalled || tarpit != nil }

    func resume(_ context: ChannelHandlerContext) {
        process(context)
        flush(context)
        guard isReadPending, !isHalted, state != .closed else { return }
        isReadPending = false
        context.read()
    }

    func flush(_ context: ChannelHandlerContext) {
        guard output.readableBytes > 0, tarpit == nil, state != .closed else { return }
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
        output.clear()
        // Otherwise a client that sends one command a packet and reads nothing would make the queue grow.
        if !context.channel.isWritable { isStalled = true }
    }
}
