import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import SMTPTransport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Runs a `LoadSession` on a channel: the only handler of a connection besides TLS. Lives on its worker's loop.
final class LoadConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let finalDot = ByteBuffer(string: ".\r\n")

    /// Cleared when the connection has ended.
    private var worker: LoadWorker?
    private let configuration: LoadConfiguration
    private var session: LoadSession
    private var context: ChannelHandlerContext?
    private var input = ByteBuffer()
    /// Commands of one group, and what of a content is not sent as slices; the storage is used again and again.
    private var output = ByteBufferAllocator().buffer(capacity: 512)
    private var content = ByteBuffer()
    private var slices: [ByteBuffer] = []
    private var isProcessing = false
    private var ending: Ending?
    private let started: Int64
    private var stepStart: Int64
    /// When the present step takes too long, `Int64.max` while nothing is awaited.
    private(set) var deadline: Int64

    /// The session is over for this reason; the socket is closing.
    private struct Ending { var failure: LoadFailure? }

    init(_ worker: LoadWorker) {
        self.worker = worker
        configuration = worker.loop.configuration
        session = LoadSession(configuration.plan, configuration.session)
        started = Uptime.now
        stepStart = started
        deadline = started + configuration.timeout
    }

    func connect() {
        guard let worker else { return }
        let bound = NIOLoopBound(self, eventLoop: worker.loop.eventLoop)
        ClientBootstrap(group: worker.loop.eventLoop)
            .connectTimeout(.nanoseconds(configuration.timeout))
            // Replies are short: one read shows all of a group, and another would find nothing.
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 2048))
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(bound.value) }
            }
            .connect(to: configuration.address).assumeIsolated().whenFailure { self.tell(.connecting($0)) }
    }

    var isIdle: Bool { ending == nil && session.isIdle }

    func begin(_ message: LoadMessage, due: Int64) {
        guard let loop = worker?.loop else { return }
        content.clear()
        let written = loop.content.write(message, time: loop.wallClock(of: due), date: loop.date, into: &content)
        slices = written.slices
        if !configuration.session.chunking {
            if slices.isEmpty { content.writeStaticString(".\r\n") } else { slices.append(Self.finalDot) }
        }
        session.begin(message, octets: written.octets, now: Uptime.now, &output)
        process()
    }

    func quit() {
        session.quit(&output)
        process()
    }

    func abort(_ failure: LoadFailure) {
        // One that is not connected yet tells when the attempt ends, which may be its whole time limit.
        if context == nil { tell(failure) } else { end(failure) }
    }

    func expire() { abort(LoadFailure(stage, .timeout, "nothing came within the time limit")) }

    private var stage: LoadFailure.Stage { context == nil ? .connect : session.stage }

    // Channel events.

    func channelActive(context: ChannelHandlerContext) {
        guard let worker else { return context.close(promise: nil) }
        self.context = context
        worker.loop.connected()
        stepStart = Uptime.now
        worker.loop.results.record(.connect, stepStart - started)
        process()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if input.readableBytes == 0 { input = bytes } else { input.writeBuffer(&bytes) }
        process()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        if let ending { return tell(ending.failure) }
        // A server may close an idle connection, and need not wait for the client after QUIT.
        let isOurs = session.isIdle || session.stage == .quit
        tell(isOurs ? nil : LoadFailure(session.stage, .lost, "the server closed the connection"))
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if ending == nil { deadline = Uptime.now + configuration.timeout }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let isHandshake = session.stage == .starttls
        end(LoadFailure(session.stage, isHandshake ? .tls : .lost, "\(error)"))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted? = event as? TLSUserEvent else { return }
        worker?.loop.results.record(.tls, Uptime.now - stepStart)
        session.tlsEstablished(&output)
        process()
    }
}

// The session's actions.
extension LoadConnection {
    private func process() {
        guard !isProcessing, ending == nil, let worker else { return }
        isProcessing = true
        defer { isProcessing = false }
        let now = Uptime.now
        while ending == nil {
            let wasGreeted = session.isGreeted
            let action = session.next(&input, now: now, counting: &worker.loop.results.replies, &output)
            if !wasGreeted, session.isGreeted { greeted(now) }
            switch action {
            case .wait:
                flush()
                deadline = session.isIdle ? .max : now + configuration.timeout
                return
            case .ready: worker.ready()
            case .startTLS:
                flush()
                startTLS()
            case .content: writeContent()
            case .finished(let outcome): worker.finished(outcome, now: now)
            case .close(let failure): end(failure)
            }
        }
    }

    private func greeted(_ now: Int64) {
        worker?.loop.results.record(.greeting, now - stepStart)
        stepStart = now
    }

    private func flush() {
        guard output.readableBytes > 0 else { return }
        context?.writeAndFlush(wrapOutboundOut(output), promise: nil)
        output.clear()
    }

    private func writeContent() {
        guard let context else { return }
        if output.readableBytes > 0 {
            context.write(wrapOutboundOut(output), promise: nil)
            output.clear()
        }
        context.write(wrapOutboundOut(content), promise: nil)
        for slice in slices { context.write(wrapOutboundOut(slice), promise: nil) }
        slices.removeAll(keepingCapacity: true)
        context.flush()
    }

    private func startTLS() {
        guard let context else { return }
        do {
            let tls = try ClientTLSContexts.unverified.get()
            let handler = try NIOSSLClientHandler(context: tls, serverHostname: configuration.serverName)
            try context.pipeline.syncOperations.addHandler(handler, position: .first)
        } catch {
            end(LoadFailure(.starttls, .tls, "TLS cannot be started: \(error)"))
        }
    }

    /// Closes the socket; the worker is told when it is closed, so that it has never more than one open.
    private func end(_ failure: LoadFailure?) {
        guard ending == nil else { return }
        flush()
        ending = Ending(failure: failure)
        deadline = .max
        if let context { context.close(promise: nil) } else { tell(failure) }
    }

    private func tell(_ failure: LoadFailure?) {
        ending = ending ?? Ending(failure: failure)
        deadline = .max
        let told = worker
        worker = nil
        told?.ended(failure)
    }
}

extension LoadFailure {
    fileprivate static func connecting(_ error: any Error) -> LoadFailure {
        if case ChannelError.connectTimeout? = error as? ChannelError {
            return LoadFailure(.connect, .timeout, "no answer to the attempt to connect")
        }
        guard let error = error as? IOError else { return LoadFailure(.connect, .unreachable, "\(error)") }
        return LoadFailure(.connect, error.errnoCode == ECONNREFUSED ? .refused : .unreachable, "\(error)")
    }
}
