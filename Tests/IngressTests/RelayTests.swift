import MailModel
import MailTestKit
import NIOCore
import NIOPosix
import NodeRuntime
import Spool
import Synchronization
import Testing

/// Who may write to whom, and what is left of those who may not.
@Suite struct RelayTests {
    @Test func trustedClientsWriteToAnybody() async throws {
        let node = try await IngressNode()
        #expect(try await node.send(to: ["r@anywhere.test"]).map(\.codes) == ["250 2.0.0"])
        try await node.stop()
    }

    @Test func othersWriteToOwnDomainsOnly() async throws {
        let node = try await IngressNode()
        let results = try await node.send(
            to: ["a@own.test", "b@anywhere.test", "c@OTHER.TEST", "d@sub.own.test"], through: node.outside)
        #expect(results.map(\.codes) == ["250 2.0.0", "550 5.7.1", "250 2.0.0", "550 5.7.1"])
        #expect(try node.spool.messages().map(\.domain.name) == ["own.test", "other.test"])
        let events = node.spool.events
        #expect(events.count == 2 && events.allSatisfy { $0.contains("\"rejected\"") && $0.contains("\"outside\"") })
        #expect(events[0].contains("b@anywhere.test") && events[1].contains("d@sub.own.test"))
        try await node.stop()
    }

    /// RFC 5321 §4.5.1.
    @Test func postmasterIsAlwaysTaken() async throws {
        let node = try await IngressNode()
        let client = try await LineClient(port: node.outside)
        #expect(try await client.reply(to: nil).hasPrefix("220 mta.test"))
        _ = try await client.reply(to: "HELO client.test")
        #expect(try await client.reply(to: "MAIL FROM:<>").hasPrefix("250"))
        #expect(try await client.reply(to: "RCPT TO:<Postmaster>").hasPrefix("250"))
        #expect(try await client.reply(to: "RCPT TO:<postmaster@elsewhere.test>").hasPrefix("550"))
        #expect(try await client.reply(to: "DATA").hasPrefix("354"))
        #expect(try await client.reply(to: "Subject: x\r\n\r\nhelp\r\n.").hasPrefix("250"))
        let message = try #require(try node.spool.messages().first)
        #expect(message.envelope.recipients.map { $0.mailbox.description.lowercased() } == ["postmaster@mta.test"])
        try await client.close()
        try await node.stop()
    }

    @Test func aFloodOfRefusalsWritesABoundedNumberOfEvents() async throws {
        let node = try await IngressNode {
            $0.ingress.recipientsLimit = 5000
            $0.ingress.errorsLimit = 5000
        }
        let clock = ContinuousClock()
        let began = clock.now
        let results = try await node.send(to: (0..<1000).map { "r\($0)@anywhere.test" }, through: node.outside)
        let seconds = Int((clock.now - began) / .seconds(1)) + 2
        #expect(results.count == 1000 && results.allSatisfy { $0.codes == "550 5.7.1" })
        #expect((1...(100 * seconds)).contains(node.spool.events.count))
        let counted = "apus_rejected_recipients_total{listener=\"outside\",reason=\"relaying denied\"} 1000"
        #expect(await node.metrics.exposition().contains(counted))
        try await node.stop()
    }
}

/// Sends lines and waits for the reply to each.
final class LineClient: Sendable {
    private final class Received: Sendable { let text = Mutex("") }

    private final class Lines: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let received: Received
        init(_ received: Received) { self.received = received }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data))
            received.text.withLock { $0 += text }
        }
    }

    private let channel: any Channel
    private let received = Received()

    init(port: Int) async throws {
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { [received] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Lines(received))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    /// - Parameter line: `nil` waits for the greeting.
    func reply(to line: String?) async throws -> String {
        if let line {
            received.text.withLock { $0 = "" }
            try await channel.writeAndFlush(ByteBuffer(string: line + "\r\n")).get()
        }
        return try await wait(for: "a reply to \(line ?? "the connection")") {
            received.text.withLock { $0.hasSuffix("\r\n") ? $0 : nil }
        }
    }

    func send(_ line: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: line + "\r\n")).get() }

    func close() async throws { try await channel.close() }
}
