import MailTestKit
import NIOCore
import NIOPosix
import Synchronization

/// An SMTP or LMTP server on loopback, or on a Unix socket, that a closure speaks for, step by step, and that remembers what it took.
final class ScriptedPeer: Sendable {
    /// Where a session stands when the peer is asked what to say.
    enum Step: Sendable {
        /// With the client's address.
        case greeting(String)
        case mail(String)
        case rcpt(String)
        case data
        /// BDAT; an empty answer reads on, any other is given at once and leaves the chunk to be read as commands.
        case bdat
        /// After the content: of the envelope what was answered 250.
        case dot(Mail)
    }

    enum Answer: Sendable {
        case reply(String)
        case hangUp
        /// The reply, and then the end of the connection.
        case lastWords(String)
        /// Says nothing, for ever.
        case silence
        /// Says it once `release` is called.
        case held(String)
    }

    struct Mail: Sendable, Equatable {
        var reversePath = ""
        var recipients: [String] = []
        var content = ""
    }

    typealias Script = @Sendable (Step) -> Answer

    fileprivate struct State {
        var taken: [Mail] = []
        var dots = 0
        var connections = 0
        var held: [@Sendable () -> Void] = []
        var holds = true
        var chunks = 0
        let offersChunking: Bool
        var script: Script
    }

    fileprivate final class Shared: Sendable {
        let state: Mutex<State>
        init(_ script: @escaping Script, chunking: Bool) {
            state = Mutex(State(offersChunking: chunking, script: script))
        }
    }

    let port: Int
    private let shared: Shared
    private let channel: any Channel

    /// - Parameters:
    ///   - port: 0 takes a free one.
    ///   - socket: Path of a Unix socket to listen on instead.
    ///   - chunking: It offers CHUNKING.
    init(
        port: Int = 0, socket: String? = nil, chunking: Bool = false, _ script: @escaping Script = ScriptedPeer.welcome
    ) async throws {
        let shared = Shared(script, chunking: chunking)
        self.shared = shared
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 256)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(PeerSession(shared))
                }
            }
        if let socket {
            channel = try await bootstrap.bind(unixDomainSocketPath: socket, cleanupExistingSocketFile: true).get()
            self.port = 0
            return
        }
        channel = try await bootstrap.bind(host: "127.0.0.1", port: port).get()
        guard let bound = channel.localAddress?.port else { throw TestKitError("the peer has no port") }
        self.port = bound
    }

    /// Says yes to everything.
    static let welcome: Script = { step in .reply(agreement(to: step)) }

    static func agreement(to step: Step) -> String {
        switch step {
        case .greeting: "220 peer.test ESMTP"
        case .mail: "250 2.1.0 ok"
        case .rcpt: "250 2.1.5 ok"
        case .data: "354 go"
        case .bdat: ""
        case .dot: "250 2.0.0 taken"
        }
    }

    /// Messages answered with 250 after the final dot, in order.
    var taken: [Mail] { shared.state.withLock { $0.taken } }
    /// BDAT commands seen, whatever the answer.
    var chunks: Int { shared.state.withLock { $0.chunks } }
    var connections: Int { shared.state.withLock { $0.connections } }
    /// Final dots seen, whatever the answer.
    var dots: Int { shared.state.withLock { $0.dots } }
    var heldAnswers: Int { shared.state.withLock { $0.held.count } }

    func change(_ script: @escaping Script) { shared.state.withLock { $0.script = script } }

    /// Gives all held answers, and from now on each at once.
    func release() {
        let held = shared.state.withLock { state in
            defer { state.held = [] }
            state.holds = false
            return state.held
        }
        for answer in held { answer() }
    }

    func stop() async throws { try await channel.close() }
}

/// One session. Answers come in order: nothing is read while one is held.
private final class PeerSession: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let shared: ScriptedPeer.Shared
    private var input = ByteBuffer()
    private var mail = ScriptedPeer.Mail()
    private var hasMail = false
    private var isContent = false
    /// Octets of the chunk that are still to come.
    private var chunkLeft: Int?
    private var isBusy = false

    init(_ shared: ScriptedPeer.Shared) { self.shared = shared }

    func channelActive(context: ChannelHandlerContext) {
        shared.state.withLock { $0.connections += 1 }
        ask(.greeting(context.remoteAddress?.ipAddress ?? ""), context) { _ in }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        input.writeBuffer(&bytes)
        proceed(context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func proceed(_ context: ChannelHandlerContext) {
        while !isBusy {
            if let left = chunkLeft {
                guard input.readableBytes >= left else { return }
                chunkLeft = nil
                mail.content = input.readString(length: left) ?? ""
                contentEnded(context)
            } else if let line = nextLine() {
                if isContent { contentLine(line, context) } else { command(line, context) }
            } else {
                return
            }
        }
    }

    private func nextLine() -> String? {
        guard let end = input.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let line = input.readString(length: end - input.readerIndex + 1) ?? ""
        return String(line.dropLast(1))  // CRLF is one Character
    }

    private func contentLine(_ line: String, _ context: ChannelHandlerContext) {
        guard line == "." else {
            mail.content += line.drop { $0 == "." } + "\r\n"
            return
        }
        isContent = false
        contentEnded(context)
    }

    private func contentEnded(_ context: ChannelHandlerContext) {
        let done = mail
        mail = ScriptedPeer.Mail()
        shared.state.withLock { $0.dots += 1 }
        ask(.dot(done), context) { [shared] isPositive in
            if isPositive { shared.state.withLock { $0.taken.append(done) } }
        }
    }

    private func command(_ line: String, _ context: ChannelHandlerContext) {
        switch line.prefix(4).uppercased() {
        case "EHLO", "HELO", "LHLO":
            let chunking = shared.state.withLock { $0.offersChunking } ? "250-CHUNKING\r\n" : ""
            say("250-peer.test\r\n250-PIPELINING\r\n\(chunking)250 DSN", context)
        case "MAIL":
            let path = Self.path(line)
            mail = ScriptedPeer.Mail()
            ask(.mail(path), context) { isPositive in
                self.mail.reversePath = path
                self.hasMail = isPositive
            }
        case "RCPT":
            let path = Self.path(line)
            guard hasMail else { return say("503 5.5.1 no mail", context) }
            ask(.rcpt(path), context) { isPositive in if isPositive { self.mail.recipients.append(path) } }
        case "DATA":
            if mail.recipients.isEmpty { return say("503 5.5.1 no recipients", context) }
            ask(.data, context) { self.isContent = $0 }
        case "BDAT":
            shared.state.withLock { $0.chunks += 1 }
            let length = Int(line.split(separator: " ").dropFirst().first ?? "")
            let script = shared.state.withLock { $0.script }
            switch script(.bdat) {
            case .reply(""): chunkLeft = length
            case let answer: give(answer, context) { _ in }
            }
        case "RSET":
            mail = ScriptedPeer.Mail()
            say("250 2.0.0 ok", context)
        case "QUIT":
            say("221 2.0.0 bye", context)
            context.close(promise: nil)
        default: say("502 5.5.1 unknown", context)
        }
    }

    private static func path(_ line: String) -> String {
        String(line.drop { $0 != "<" }.dropFirst().prefix { $0 != ">" })
    }

    /// - Parameter then: Told whether the answer was positive, just before it is sent.
    private func ask(_ step: ScriptedPeer.Step, _ context: ChannelHandlerContext, then: @escaping (Bool) -> Void) {
        let script = shared.state.withLock { $0.script }
        give(script(step), context, then: then)
    }

    private func give(_ answer: ScriptedPeer.Answer, _ context: ChannelHandlerContext, then: @escaping (Bool) -> Void) {
        switch answer {
        case .reply(let reply): give(reply, context, then)
        case .hangUp:
            isBusy = true
            context.close(promise: nil)
        case .lastWords(let reply):
            isBusy = true
            give(reply, context, then)
            context.close(promise: nil)
        case .silence: isBusy = true
        case .held(let reply):
            isBusy = true
            let bound = NIOLoopBound((self, context, then), eventLoop: context.eventLoop)
            let answer: @Sendable () -> Void = { [loop = context.eventLoop] in
                loop.execute {
                    let (session, context, then) = bound.value
                    session.isBusy = false
                    session.give(reply, context, then)
                    session.proceed(context)
                }
            }
            let isHeld = shared.state.withLock { state in
                if state.holds { state.held.append(answer) }
                return state.holds
            }
            if !isHeld { answer() }
        }
    }

    private func give(_ reply: String, _ context: ChannelHandlerContext, _ then: (Bool) -> Void) {
        then(reply.first == "2" || reply.first == "3")
        say(reply, context)
    }

    private func say(_ reply: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: reply + "\r\n")), promise: nil)
    }
}
