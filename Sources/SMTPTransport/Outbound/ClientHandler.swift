import MailModel
import NIOCore
import NIOSSL
import NIOTLS
import SMTPProtocol

/// Runs a `ClientSession` on a channel: the only handler of a connection besides TLS. Lives on the channel's loop.
final class ClientHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Cleared when the connection has ended.
    var connection: OutboundConnection?
    private var session: ClientSession
    private let target: OutboundConnection.Target
    var transcript: OutboundConnection.Transcript?
    private let deadline: DeadlineTimer
    private var context: ChannelHandlerContext?
    /// Replies not read yet: empty but for a reply that is not complete.
    private var input = ByteBuffer()
    /// Commands of one pipelined group; its storage is used again and again.
    private var output = ByteBufferAllocator().buffer(capacity: 512)
    private var isProcessing = false
    private var isSending = false
    /// Octets of the content that goes out, so far.
    private var contentLength = 0
    private var ending: Ending?
    private var tlsHandler: NIOSSLClientHandler?
    private var cipherWatch: CipherWatch?

    /// The session is over for this reason; the socket is closing.
    private struct Ending { var failure: Failure? }

    init(_ target: OutboundConnection.Target, loop: any EventLoop, transcript: OutboundConnection.Transcript?) {
        let startTLS: ClientSession.StartTLS =
            switch target.tls {
            case .none: .never
            case .opportunistic: .ifOffered
            case .required: .required
            }
        session = ClientSession(
            dialect: target.dialect, ehloName: target.ehloName, startTLS: startTLS, chunking: target.chunking,
            timeouts: target.timeouts)
        self.target = target
        self.transcript = transcript
        deadline = DeadlineTimer(loop)
    }

    var isIdle: Bool { ending == nil && session.isIdle }
    var isConnected: Bool { context != nil }
    var offered: OfferedExtensions { session.offered }

    func begin(_ transaction: OutboundTransaction) {
        session.begin(transaction, &output)
        process()
    }

    func close(immediately: Bool) {
        if immediately { session.abort("the connection was closed") } else { session.quit(&output) }
        process()
    }

    // Channel events.

    func channelActive(context: ChannelHandlerContext) {
        // Nobody waits any more when it was closed while connecting.
        guard let connection else { return context.close(promise: nil) }
        self.context = context
        deadline.onExpiry = { [unowned self] in
            session.timedOut()
            process()
        }
        connection.connected(from: context.localAddress)
        process()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if input.readableBytes == 0 { input = bytes } else { input.writeBuffer(&bytes) }
        process()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        if let ending { return end(ending.failure) }
        session.connectionLost()
        process()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard session.isSendingContent else { return }
        sendContent(context)
        renewDeadline()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if session.stage == .starttls {
            session.tlsFailed("the TLS handshake failed: \(error)")
        } else {
            session.connectionLost()
        }
        process()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted? = event as? TLSUserEvent else { return }
        let facts = TLSFacts(tlsHandler, cipherWatch, policy: target.tls)
        connection?.facts.tls = facts
        transcript?(.secured(facts))
        session.tlsEstablished(&output)
        process()
    }
}

// The session's actions.
extension ClientHandler {
    /// Carries out what the session asks for until it waits. Called again from inside a callback it does nothing: the
    /// outer call goes on with what was changed.
    private func process() {
        guard !isProcessing, ending == nil else { return }
        isProcessing = true
        defer { isProcessing = false }
        while true {
            let unread = transcript == nil ? nil : input
            let action = session.next(&input, &output)
            if let unread { recordReceived(unread) }
            switch action {
            case .wait:
                if input.readableBytes == 0 { input = ByteBuffer() }
                flush()
                return renewDeadline()
            case .ready:
                connection?.becameReady()
            case .startTLS:
                flush()
                startTLS()
            case .sendContent:
                flush()
                if let context { sendContent(context) }
            case .finished(let result):
                connection?.finished(result)
            case .close(let failure):
                // What broke the protocol was not read as a reply, and is what people want to see.
                if transcript != nil, failure?.cause == .protocolViolation { recordReceived(input, all: true) }
                if contentLength > 0 { transcript?(.content(octets: contentLength)) }
                flush()
                return close(failure)
            }
        }
    }

    /// One write for all commands of a pipelined group.
    private func flush() {
        guard output.readableBytes > 0 else { return }
        if let context {
            if transcript != nil { recordSent(output) }
            context.writeAndFlush(wrapOutboundOut(output), promise: nil)
        }
        output.clear()
    }

    /// Writes content while the socket takes it: a short message and its final dot as one flush, without a copy.
    private func sendContent(_ context: ChannelHandlerContext) {
        guard !isSending else { return }
        isSending = true
        defer { isSending = false }
        while session.isSendingContent, context.channel.isWritable {
            var unflushed = 0
            while unflushed < 64 * 1024, let piece = session.nextContentPiece() {
                unflushed += piece.readableBytes
                context.write(wrapOutboundOut(piece), promise: nil)
            }
            contentLength += unflushed
            context.flush()
        }
        guard !session.isSendingContent else { return }
        transcript?(.content(octets: contentLength))
        contentLength = 0
    }

    private func startTLS() {
        guard let context else { return }
        do {
            let tls =
                try target.tlsContext
                ?? (target.tls.verifies ? ClientTLSContexts.verified : ClientTLSContexts.unverified).get()
            // An address literal is no SNI name (RFC 6066 §3), nor is the path of a socket.
            let isAddress = (try? SocketAddress(ipAddress: target.hostName, port: 0)) != nil
            let isName = !isAddress && target.address.protocol != .unix
            let handler = try NIOSSLClientHandler(context: tls, serverHostname: isName ? target.hostName : nil)
            let watch = CipherWatch(.client)
            (tlsHandler, cipherWatch) = (handler, watch)
            try context.pipeline.syncOperations.addHandlers([watch, handler], position: .first)
        } catch {
            session.tlsFailed("TLS cannot be started: \(error)")
        }
    }

    private func close(_ failure: Failure?) {
        ending = Ending(failure: failure)
        deadline.stop()
        // The end is told when the socket is closed, so that nobody opens a connection in place of one that is open.
        if let context { context.close(promise: nil) } else { end(failure) }
    }

    private func end(_ failure: Failure?) {
        deadline.stop()
        connection?.ended(failure)
    }

    private func renewDeadline() { deadline.renew(session.timeLimit, progress: session.progress) }
}

// The dialogue, for people who watch it.
extension ClientHandler {
    private func recordSent(_ bytes: ByteBuffer) { record(bytes) { .sent($0) } }

    /// - Parameters:
    ///   - before: `input` before the session read from it.
    ///   - all: Also what the session did not read.
    private func recordReceived(_ before: ByteBuffer, all: Bool = false) {
        let count = before.readableBytes - (all ? 0 : input.readableBytes)
        guard let read = before.getSlice(at: before.readerIndex, length: count) else { return }
        record(read) { .received($0) }
    }

    private func record(_ bytes: ByteBuffer, as line: (String) -> OutboundConnection.DialogueLine) {
        for part in bytes.readableBytesView.split(separator: UInt8(ascii: "\n")) {
            let text = part.last == UInt8(ascii: "\r") ? part.dropLast() : part
            transcript?(line(String(decoding: text, as: UTF8.self)))
        }
    }
}
