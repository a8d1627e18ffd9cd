import Foundation
import MailModel
import NIOCore
import NIOPosix
import NIOSSL
import SMTPProtocol
import SMTPTransport
import Synchronization
import Testing

/// Real sockets on loopback.
@Suite struct SMTPListenerTests {
    private func withListener(
        _ receiver: TestReceiver = TestReceiver(), _ change: (inout SMTPListener.Configuration) -> Void = { _ in },
        _ body: (SMTPListener) async throws -> Void
    ) async throws {
        var configuration = SMTPListener.Configuration(name: "test", host: "127.0.0.1", port: 0)
        change(&configuration)
        let gauge = ContentGauge(limit: 1 << 30)
        let listener = try await SMTPListener.bind(
            configuration, receiver: receiver, gauge: gauge, group: MultiThreadedEventLoopGroup.singleton
        ).get()
        try await body(listener)
        try await listener.shutdown(within: .seconds(5)).get()
        #expect(gauge.current == 0)
        #expect(listener.connections == 0)
    }

    @Test func messageOverASocket() async throws {
        let receiver = TestReceiver()
        try await withListener(receiver) { listener in
            let client = try await LoopbackClient(listener)
            #expect(try await client.line().hasPrefix("220 mx.test"))
            try await client.send("HELO c\r\n")
            #expect(try await client.line() == "250 mx.test")
            let body = "Subject: x\r\n\r\n" + String(repeating: "0123456789abcdef0123456789abcdef\r\n", count: 30_000)
            try await client.send(
                "MAIL FROM:<a@src.test>\r\nRCPT TO:<a@denied.test>\r\nRCPT TO:<b@dst.test>\r\nDATA\r\n")
            #expect(try await client.line().hasPrefix("250 2.1.0"))
            #expect(try await client.line().hasPrefix("550 5.7.1"))
            #expect(try await client.line().hasPrefix("250 2.1.5"))
            #expect(try await client.line().hasPrefix("354"))
            try await client.send(body + ".\r\nQUIT\r\n")
            #expect(try await client.line() == "250 2.0.0 queued")
            #expect(try await client.line() == "221 2.0.0 Bye")
            #expect(try await client.isClosedByPeer())
            #expect(receiver.received.first.map { String(buffer: $0.content) == body } == true)
            #expect(receiver.clients.first?.address == "127.0.0.1")
            #expect(receiver.clients.first?.listener == "test")
            #expect(receiver.clients.first?.sessionID.isEmpty == false)
        }
    }

    @Test func tooManyConnections() async throws {
        try await withListener(TestReceiver(), { $0.connectionLimit = 1 }) { listener in
            let first = try await LoopbackClient(listener)
            #expect(try await first.line().hasPrefix("220"))
            let second = try await LoopbackClient(listener)
            #expect(try await second.line().hasPrefix("421 4.3.2 Too many connections"))
            #expect(try await second.isClosedByPeer())
            await first.close()
            await second.close()
        }
    }

    @Test func tooManyConnectionsOfOneClient() async throws {
        try await withListener(TestReceiver(), { $0.connectionLimitPerClient = 1 }) { listener in
            let first = try await LoopbackClient(listener)
            #expect(try await first.line().hasPrefix("220"))
            let second = try await LoopbackClient(listener)
            #expect(try await second.line().hasPrefix("421 4.7.0"))
            await first.close()
            await second.close()
        }
    }

    @Test func idleTimeout() async throws {
        try await withListener(TestReceiver(), { $0.idleTimeout = .milliseconds(50) }) { listener in
            let client = try await LoopbackClient(listener)
            #expect(try await client.line().hasPrefix("220"))
            #expect(try await client.line() == "421 4.4.2 Timeout, closing connection")
            #expect(try await client.isClosedByPeer())
        }
    }

    @Test func shutdownWaitsForAcceptance() async throws {
        let receiver = TestReceiver()
        receiver.state.withLock { $0.holdsAnswers = true }
        try await withListener(receiver) { listener in
            let client = try await LoopbackClient(listener)
            try await client.send("HELO c\r\nMAIL FROM:<a@src.test>\r\nRCPT TO:<b@dst.test>\r\nDATA\r\n")
            for _ in 0..<5 { _ = try await client.line() }
            try await client.send("x\r\n.\r\n")
            while receiver.state.withLock({ $0.held.isEmpty }) { await Task.yield() }
            let shutdown = listener.shutdown(within: .seconds(20))
            receiver.answer(Reply(250, StatusDetail(0, 0), "queued"))
            #expect(try await client.line() == "250 2.0.0 queued")
            #expect(try await client.line().hasPrefix("421 4.3.2"))
            #expect(try await client.isClosedByPeer())
            try await shutdown.get()
        }
    }

    /// Far more replies than the buffers of two sockets hold: the server waits, and loses none.
    @Test func clientThatReadsLate() async throws {
        try await withListener(TestReceiver { $0.idleCommandLimit = .max }) { listener in
            let client = try await LoopbackClient(listener, autoRead: false)
            let commands = String(repeating: "NOOP\r\n", count: 50_000)
            async let sent: Void = client.send(commands)
            client.resumeReading()
            for _ in 0..<50_001 { _ = try await client.line() }
            try await sent
            await client.close()
        }
    }
}
