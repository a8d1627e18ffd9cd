import MailModel
import NIOCore
import NIOEmbedded
import SMTPProtocol
import SMTPTransport
import Synchronization
import Testing

/// What comes before a session and around it: PROXY headers, silence, XCLIENT, held-back replies.
@Suite struct ServerHandlerPreambleTests {
    private final class Connection {
        let channel = EmbeddedChannel()
        let receiver: TestReceiver
        let registry: ConnectionRegistry

        init(
            _ receiver: TestReceiver = TestReceiver(), registry: ConnectionRegistry? = nil,
            _ change: (inout SMTPListener.Configuration) -> Void = { _ in }
        ) throws {
            self.receiver = receiver
            self.registry = registry ?? ConnectionRegistry(.init(connections: 100, perClient: nil))
            var configuration = SMTPListener.Configuration(name: "test", host: "127.0.0.1", port: 0)
            change(&configuration)
            let shared = ServerHandler.Shared(
                configuration: configuration, receiver: receiver, gauge: ContentGauge(limit: 1 << 20),
                registry: self.registry)
            try channel.pipeline.syncOperations.addHandler(ServerHandler(shared))
            channel.connect(to: try SocketAddress(ipAddress: "10.0.0.1", port: 4000), promise: nil)
        }

        func send(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }
        func send(_ bytes: [UInt8]) throws { try channel.writeInbound(ByteBuffer(bytes: bytes)) }

        func said() throws -> String {
            var text = ""
            while let buffer = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: buffer) }
            return text
        }

        /// Past every timer set by now.
        func wait() { channel.embeddedEventLoop.advanceTime(to: .now() + .seconds(30)) }

        var client: ClientInfo? { receiver.state.withLock { $0.admitted.last } }
        var noted: [ConnectionEvent] { receiver.state.withLock { $0.noted } }
        func end() throws { _ = try channel.finish(acceptAlreadyClosed: true) }
    }

    private func behindBalancer(_ change: (inout TestReceiver.State) -> Void = { _ in }) -> TestReceiver {
        let receiver = TestReceiver()
        receiver.state.withLock { state in
            state.expectsProxyHeader = true
            change(&state)
        }
        return receiver
    }

    private static let binary: [UInt8] =
        [
            13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10, 0x21, 0x11, 0, 12, 192, 0, 2, 1, 198, 51, 100, 2, 0xDC, 0x04,
            0, 25,
        ]

    private static let headers: [[UInt8]] = [Array("PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\n".utf8), binary]

    @Test(arguments: headers) func headerInPiecesWithCommandsBehind(_ header: [UInt8]) throws {
        let bytes = header + Array("EHLO c\r\n".utf8)
        for cut in 0...bytes.count {
            let connection = try Connection(behindBalancer())
            #expect(try connection.said() == "")
            if cut > 0 { try connection.send(Array(bytes[..<cut])) }
            #expect(try connection.said().isEmpty == (cut < header.count), "cut at \(cut)")
            if cut < bytes.count { try connection.send(Array(bytes[cut...])) }
            #expect(try connection.said().hasSuffix("250 ENHANCEDSTATUSCODES\r\n") || cut == bytes.count)
            let client = try #require(connection.client)
            #expect(client.address == "192.0.2.1" && client.port == 56_324 && !client.isUnknown)
            #expect(client.localAddress == "198.51.100.2" && client.localPort == 25)
            #expect(client.peerAddress == "10.0.0.1")
            try connection.end()
            #expect(connection.registry.count == 0)
        }
    }

    @Test func octetByOctet() throws {
        for header in Self.headers {
            let connection = try Connection(behindBalancer())
            for byte in header { try connection.send([byte]) }
            #expect(try connection.said() == "220 mx.test ESMTP Apus\r\n")
            try connection.end()
        }
    }

    @Test func theBalancerItself() throws {
        let connection = try Connection(behindBalancer())
        try connection.send(Array(Self.binary[..<12]) + [0x20, 0, 0, 0])
        #expect(try connection.said().hasPrefix("220"))
        #expect(connection.client?.address == "10.0.0.1" && connection.client?.isUnknown == false)
        try connection.end()
    }

    /// Nothing is granted to somebody unknown for the balancer's sake.
    @Test func somebodyUnknown() throws {
        let connection = try Connection(behindBalancer { $0.trusted = ["10.0.0.1"] })
        try connection.send("PROXY UNKNOWN\r\n")
        #expect(try connection.said().hasPrefix("220"))
        #expect(connection.client?.isUnknown == true && connection.client?.isTrusted == false)
        try connection.end()
    }

    @Test(arguments: [
        "EHLO c\r\n", "PROXY TCP4 1.2.3 1.2.3.4 1 1\r\n", "\r\n\r\n\0\r\nQUIT\n\u{31}", "\u{16}\u{3}\u{1}",
    ])
    func brokenHeader(_ text: String) throws {
        let connection = try Connection(behindBalancer())
        try connection.send(text)
        #expect(try connection.said() == "")
        #expect(connection.client == nil)
        guard case .proxyHeaderRefused = connection.noted.first else {
            Issue.record("not noted")
            return
        }
        try connection.send("PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\nEHLO c\r\n")
        #expect(try connection.said() == "" && connection.client == nil && connection.noted.count == 1)
        try connection.end()
        #expect(connection.registry.count == 0)
    }

    @Test func headerThatDoesNotCome() throws {
        let connection = try Connection(behindBalancer())
        try connection.send("PROXY TCP4 192.0.2.1 ")
        connection.wait()
        #expect(connection.noted == [.proxyHeaderRefused("no PROXY header in time")])
        #expect(try connection.said() == "" && connection.client == nil)
        connection.wait()
        #expect(!connection.channel.isActive)
        #expect(connection.registry.count == 0)
    }

    @Test func connectionsAreCountedToTheClientBehindTheBalancer() throws {
        let registry = ConnectionRegistry(.init(connections: 100, perClient: 1))
        let receiver = behindBalancer()
        let first = try Connection(receiver, registry: registry)
        let second = try Connection(receiver, registry: registry)
        let third = try Connection(receiver, registry: registry)
        try first.send("PROXY TCP6 2001:db8::1 ::1 1 25\r\n")
        try second.send("PROXY TCP6 2001:db8::2 ::1 1 25\r\n")
        try third.send("PROXY TCP6 2001:db8:0:1::1 ::1 1 25\r\n")
        #expect(try first.said().hasPrefix("220"))
        #expect(try second.said().hasPrefix("421 4.7.0"))  // the same /64
        #expect(try third.said().hasPrefix("220"))
        #expect(receiver.state.withLock { $0.noted } == [.tooManyOfClient])
        #expect(registry.count == 2)
        try second.end()
        try first.end()
        let again = try Connection(receiver, registry: registry)
        try again.send("PROXY TCP6 2001:db8::2 ::1 1 25\r\n")
        #expect(try again.said().hasPrefix("220"))
        try again.end()
        try third.end()
        #expect(registry.count == 0)
    }

    @Test func drainBeforeTheHeader() throws {
        let connection = try Connection(behindBalancer())
        connection.channel.pipeline.fireUserInboundEventTriggered(ServerHandler.Drain())
        #expect(try connection.said() == "")
        connection.wait()
        #expect(!connection.channel.isActive)
    }

    // MARK: Silence before the greeting

    @Test func greetsAfterTheSilence() throws {
        let connection = try Connection { $0.greetDelay = .seconds(5) }
        #expect(try connection.said() == "")
        connection.wait()
        #expect(try connection.said() == "220 mx.test ESMTP Apus\r\n")
        try connection.send("EHLO c\r\n")
        #expect(try connection.said().hasPrefix("250-mx.test"))
        #expect(connection.noted.isEmpty)
        try connection.end()
    }

    @Test func earlyTalkersAreRefused() throws {
        let connection = try Connection { $0.greetDelay = .seconds(5) }
        try connection.send("EHLO c\r\nMAIL FROM:<a@src.test>\r\n")
        #expect(try connection.said() == "554 5.5.1 You talk before the greeting, goodbye\r\n")
        #expect(connection.noted == [.earlyTalk])
        try connection.send("EHLO c\r\n")
        connection.wait()
        #expect(try connection.said() == "" && connection.noted.count == 1)
        #expect(!connection.channel.isActive)
    }

    @Test func earlyTalkersBehindABalancer() throws {
        let connection = try Connection(behindBalancer()) { $0.greetDelay = .seconds(5) }
        try connection.send("PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\nEHLO c\r\n")
        #expect(try connection.said().hasPrefix("554 5.5.1"))
        try connection.end()
    }

    @Test func trustedClientsDoNotWait() throws {
        let receiver = TestReceiver()
        receiver.state.withLock { $0.trusted = ["10.0.0.1"] }
        let connection = try Connection(receiver) { $0.greetDelay = .seconds(5) }
        #expect(try connection.said().hasPrefix("220"))
        try connection.end()
    }

    @Test func drainDuringTheSilence() throws {
        let connection = try Connection { $0.greetDelay = .seconds(5) }
        connection.channel.pipeline.fireUserInboundEventTriggered(ServerHandler.Drain())
        #expect(try connection.said().hasPrefix("421 4.3.2"))
        connection.wait()
        #expect(!connection.channel.isActive)
    }

    // MARK: XCLIENT

    @Test func anotherClient() throws {
        let receiver = TestReceiver()
        receiver.state.withLock { state in
            state.mayOverride = true
            state.trusted = ["10.0.0.1"]
        }
        let connection = try Connection(receiver)
        try connection.send(
            "EHLO proxy\r\nXCLIENT ADDR=192.0.2.9 PORT=77 LOGIN=joe DESTADDR=198.51.100.1 DESTPORT=26\r\n"
                + "EHLO c\r\nMAIL FROM:<a@src.test>\r\nRCPT TO:<b@dst.test>\r\nDATA\r\n")
        try connection.send("x\r\n.\r\n")
        #expect(try connection.said().hasSuffix("250 2.0.0 queued\r\n"))
        let client = try #require(receiver.clients.first)
        #expect(client.address == "192.0.2.9" && client.port == 77 && client.login == "joe")
        #expect(client.localAddress == "198.51.100.1" && client.localPort == 26)
        #expect(client.peerAddress == "10.0.0.1" && client.isOverridden && !client.isTrusted)
        try connection.send("XCLIENT ADDR=[UNAVAILABLE] LOGIN=[UNAVAILABLE]\r\n")
        #expect(try connection.said().hasPrefix("220"))
        let unknown = try #require(connection.client)
        #expect(unknown.address == "" && unknown.isUnknown && unknown.login == nil && unknown.port == 77)
        try connection.end()
        #expect(connection.registry.count == 0)
    }

    @Test func anotherClientThatIsRefused() throws {
        let receiver = TestReceiver()
        receiver.state.withLock { ($0.mayOverride, $0.refused) = (true, ["192.0.2.9"]) }
        let connection = try Connection(receiver)
        _ = try connection.said()
        try connection.send("XCLIENT ADDR=192.0.2.9\r\nEHLO c\r\n")
        #expect(try connection.said() == "421 4.7.0 Too many connections from you in a short time, try later\r\n")
        try connection.end()
    }

    // MARK: Clients that err

    @Test func repliesAreHeldBack() throws {
        let connection = try Connection { $0.tarpit = .init(after: 2, delay: .seconds(3)) }
        _ = try connection.said()
        try connection.send("FROB\r\nFROB\r\n")
        #expect(try connection.said() == "500 5.5.2 Command not recognized\r\n500 5.5.2 Command not recognized\r\n")
        try connection.send("FROB\r\nNOOP\r\nFROB\r\nNOOP\r\n")
        #expect(try connection.said() == "")
        connection.channel.embeddedEventLoop.advanceTime(by: .milliseconds(2900))
        #expect(try connection.said() == "")
        connection.channel.embeddedEventLoop.advanceTime(by: .milliseconds(200))
        // The good command behind is answered at once, the bad one after it is held back again.
        #expect(try connection.said().hasPrefix("500 5.5.2 Command not recognized\r\n"))
        connection.channel.embeddedEventLoop.advanceTime(by: .seconds(3))
        #expect(try connection.said().hasSuffix("500 5.5.2 Command not recognized\r\n250 2.0.0 Ok\r\n"))
        try connection.send("NOOP\r\n")
        #expect(try connection.said() == "250 2.0.0 Ok\r\n")
        try connection.end()
    }

    /// Gone while its reply is held back: nothing is left.
    @Test func goneWhileHeldBack() throws {
        let connection = try Connection { $0.tarpit = .init(after: 0, delay: .seconds(3)) }
        try connection.send("FROB\r\nFROB\r\n")
        try connection.end()
        connection.wait()
        #expect(connection.registry.count == 0)
    }

    @Test func trustedClientsAreNotHeldBack() throws {
        let receiver = TestReceiver()
        receiver.state.withLock { $0.trusted = ["10.0.0.1"] }
        let connection = try Connection(receiver) { $0.tarpit = .init(after: 0, delay: .seconds(3)) }
        _ = try connection.said()
        try connection.send("FROB\r\n")
        #expect(try connection.said().hasPrefix("500"))
        try connection.end()
    }

    @Test func theRoleEndsASessionForItsErrors() throws {
        let receiver = TestReceiver()
        receiver.state.withLock { $0.refusalsAllowed = 2 }
        let connection = try Connection(receiver)
        _ = try connection.said()
        try connection.send("FROB\r\n")
        try connection.send("FROB\r\nFROB\r\nNOOP\r\n")
        #expect(
            try connection.said().hasSuffix(
                "250 2.0.0 Ok\r\n421 4.7.0 Too many errors from you in a short time, try later\r\n"))
        try connection.end()
    }
}
