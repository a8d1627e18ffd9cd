import MailModel
import NIOCore
import NIOEmbedded
import SMTPProtocol
import SMTPTransport
import Synchronization
import Testing

/// The handler on a channel without a socket: what is written when, what is counted, what is given back.
@Suite struct ServerHandlerTests {
    /// A connection after its greeting.
    private final class Connection {
        let channel = EmbeddedChannel()
        let receiver: TestReceiver
        let gauge: ContentGauge
        let registry = ConnectionRegistry(.init(connections: 10, perClient: nil))
        let handler: ServerHandler

        init(_ receiver: TestReceiver = TestReceiver(), memory: Int = 1 << 20) throws {
            self.receiver = receiver
            gauge = ContentGauge(limit: memory)
            let configuration = SMTPListener.Configuration(name: "test", host: "127.0.0.1", port: 0)
            handler = ServerHandler(
                ServerHandler.Shared(
                    configuration: configuration, receiver: receiver, gauge: gauge, registry: registry))
            try channel.pipeline.syncOperations.addHandler(handler)
            channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 25), promise: nil)
        }

        func send(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

        /// What was written since the last look, one string a write.
        func writes() throws -> [String] {
            var writes: [String] = []
            while let buffer = try channel.readOutbound(as: ByteBuffer.self) { writes.append(String(buffer: buffer)) }
            return writes
        }
    }

    private let start = "EHLO c\r\nMAIL FROM:<a@src.test>\r\nRCPT TO:<b@dst.test>\r\nDATA\r\n"

    @Test func greets() throws {
        let connection = try Connection()
        #expect(try connection.writes() == ["220 mx.test ESMTP Apus\r\n"])
        #expect(connection.registry.count == 1)
        _ = try connection.channel.finish()
        #expect(connection.registry.count == 0)
    }

    @Test func pipelinedGroupIsAnsweredInOneWrite() throws {
        let connection = try Connection()
        _ = try connection.writes()
        try connection.send(start)
        let writes = try connection.writes()
        #expect(writes.count == 1)
        #expect(
            writes[0].hasSuffix(
                "250 2.1.0 Sender ok\r\n250 2.1.5 Recipient ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n"))
        _ = try connection.channel.finish()
    }

    @Test func nothingIsReadWhileTheRoleConsiders() throws {
        let connection = try Connection()
        connection.receiver.state.withLock { $0.holdsAnswers = true }
        try connection.send(start)
        _ = try connection.writes()
        try connection.send("content\r\n.\r\nNOOP\r\n")
        #expect(try connection.writes() == [])
        #expect(connection.handler.isAwaitingAcceptance)
        #expect(connection.gauge.current == 9)
        connection.receiver.answer(Reply(250, StatusDetail(0, 0), "queued"))
        #expect(try connection.writes() == ["250 2.0.0 queued\r\n250 2.0.0 Ok\r\n"])
        #expect(connection.gauge.current == 0)
        _ = try connection.channel.finish()
    }

    @Test func failedFutureIsALocalError() throws {
        struct Broken: Error {}
        let connection = try Connection()
        connection.receiver.state.withLock { $0.holdsAnswers = true }
        try connection.send(start + "x\r\n.\r\n")
        _ = try connection.writes()
        for promise in connection.receiver.state.withLock({ $0.held }) { promise.fail(Broken()) }
        #expect(try connection.writes() == ["451 4.3.0 Local error in processing, try later\r\n"])
        _ = try connection.channel.finish()
    }

    /// Cut off at any octet: the gauge and the registry are where they were, and no message came of half of one.
    @Test func cutOffAnywhereLeavesNothing() throws {
        let text =
            start
            + "Subject: x\r\n\r\nbody\r\n.\r\nMAIL FROM:<a@src.test>\r\nRCPT TO:<b@dst.test>\r\nBDAT 4 LAST\r\na\r\n"
        let end = start.utf8.count + "Subject: x\r\n\r\nbody\r\n.\r\n".utf8.count
        for length in 0..<text.utf8.count {
            let connection = try Connection()
            for byte in text.utf8.prefix(length) { try connection.channel.writeInbound(ByteBuffer(bytes: [byte])) }
            _ = try connection.channel.finish()
            #expect(connection.gauge.current == 0, "cut at \(length)")
            #expect(connection.registry.count == 0, "cut at \(length)")
            #expect(connection.receiver.received.count == (length >= end ? 1 : 0), "cut at \(length)")
        }
    }

    @Test func cutOffWhileTheRoleConsiders() throws {
        let connection = try Connection()
        connection.receiver.state.withLock { $0.holdsAnswers = true }
        try connection.send(start + "content\r\n.\r\n")
        _ = try connection.channel.finish()
        #expect(connection.gauge.current == 9)
        connection.receiver.answer(Reply(250, StatusDetail(0, 0), "queued"))
        #expect(connection.gauge.current == 0)
    }

    @Test func mailIsRefusedWhileMemoryIsFull() throws {
        let connection = try Connection(memory: 100)
        connection.gauge.add(100)
        try connection.send("EHLO c\r\nMAIL FROM:<a@src.test>\r\n")
        #expect(try connection.writes().joined().contains("452 4.3.1"))
        connection.gauge.add(-100)
        try connection.send("MAIL FROM:<a@src.test>\r\nRCPT TO:<b@dst.test>\r\nDATA\r\n12345\r\n")
        #expect(connection.gauge.current == 7)
        connection.gauge.add(125)
        try connection.send("6789\r\n")
        #expect(connection.gauge.current == 125)
        try connection.send("0\r\n.\r\n")
        #expect(connection.gauge.current == 125)
        #expect(try connection.writes().joined().hasSuffix("452 4.3.1 Insufficient system storage, try later\r\n"))
        _ = try connection.channel.finish()
    }

    /// Replies that nobody reads: no more than the limit of them is made, and what is left waits.
    @Test func clientThatDoesNotRead() throws {
        let connection = try Connection(TestReceiver { $0.idleCommandLimit = .max })
        _ = try connection.writes()
        connection.channel.isWritable = false
        try connection.send(String(repeating: "NOOP\r\n", count: 10_000))
        let written = try connection.writes().joined().utf8.count
        #expect(written >= 16 << 10 && written < 17 << 10)
        try connection.send("NOOP\r\n")
        #expect(try connection.writes() == [])
        connection.channel.isWritable = true
        connection.channel.pipeline.fireChannelWritabilityChanged()
        #expect(try connection.writes().joined().utf8.count + written == 10_001 * "250 2.0.0 Ok\r\n".utf8.count)
        _ = try connection.channel.finish()
    }

    /// One command a packet, and no reply read: the first that cannot be sent stops the reading.
    @Test func clientThatDoesNotReadInSmallSteps() throws {
        let connection = try Connection(TestReceiver { $0.idleCommandLimit = .max })
        _ = try connection.writes()
        connection.channel.isWritable = false
        for _ in 0..<100 { try connection.send("NOOP\r\n") }
        #expect(try connection.writes().count == 1)
        connection.channel.isWritable = true
        connection.channel.pipeline.fireChannelWritabilityChanged()
        #expect(try connection.writes().joined().utf8.count == 99 * "250 2.0.0 Ok\r\n".utf8.count)
        _ = try connection.channel.finish()
    }

    @Test func idleConnectionTimesOut() throws {
        let connection = try Connection()
        _ = try connection.writes()
        // The handler reads the real clock and the loop a manual one: in an hour of the latter nothing has come.
        connection.handler.clock = ProgressClock(now: .now() - .hours(1))
        connection.channel.embeddedEventLoop.advanceTime(to: .now() + .minutes(6))
        #expect(try connection.writes() == ["421 4.4.2 Timeout, closing connection\r\n"])
        connection.channel.embeddedEventLoop.advanceTime(by: .minutes(1))
        #expect(!connection.channel.isActive)
    }

    @Test func drainTellsIdleClients() throws {
        let connection = try Connection()
        try connection.send("EHLO c\r\n")
        _ = try connection.writes()
        connection.channel.pipeline.fireUserInboundEventTriggered(ServerHandler.Drain())
        #expect(try connection.writes() == ["421 4.3.2 Shutting down, try later\r\n"])
    }

    @Test func drainLetsATransactionEnd() throws {
        let connection = try Connection()
        try connection.send(start)
        _ = try connection.writes()
        connection.channel.pipeline.fireUserInboundEventTriggered(ServerHandler.Drain())
        #expect(try connection.writes() == [])
        try connection.send("x\r\n.\r\n")
        #expect(try connection.writes() == ["250 2.0.0 queued\r\n421 4.3.2 Shutting down, try later\r\n"])
    }
}

@Suite struct ProgressClockTests {
    private let configuration = SMTPListener.Configuration(name: "test", host: "", port: 0)
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    @Test func idle() {
        var clock = ProgressClock(now: start)
        #expect(clock.deadline(configuration) == start + .minutes(5))
        clock.progressed(start + .minutes(4), isReceivingContent: false, received: 0)
        #expect(clock.deadline(configuration) == start + .minutes(9))
    }

    @Test func unproductive() {
        var clock = ProgressClock(now: start)
        clock.progressed(start + .minutes(59), isReceivingContent: false, received: 0)
        #expect(clock.deadline(configuration) == start + .minutes(60))
        clock.accepted(start + .minutes(59))
        #expect(clock.deadline(configuration) == start + .minutes(64))
    }

    /// One octet every four minutes is not idle, and not content either.
    @Test func contentTooSlow() {
        var clock = ProgressClock(now: start)
        clock.progressed(start, isReceivingContent: true, received: 1)
        clock.progressed(start + .minutes(4), isReceivingContent: true, received: 2)
        #expect(clock.deadline(configuration) == start + .minutes(5) + .milliseconds(20))
        clock.progressed(start + .minutes(4), isReceivingContent: true, received: 30_000)
        #expect(clock.deadline(configuration) == start + .minutes(9))
    }
}
