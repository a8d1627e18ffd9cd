import MailTestKit
import NodeRuntime
import Testing

/// What the session itself refuses has events too, for those who ask why their mail is not there.
@Suite struct SessionRefusalTests {
    private func client(_ node: IngressNode) async throws -> LineClient {
        let client = try await LineClient(port: node.inside)
        _ = try await client.reply(to: nil)
        _ = try await client.reply(to: "EHLO client.test")
        return client
    }

    @Test func sizeAtMAIL() async throws {
        let node = try await IngressNode { $0.ingress.sizeLimit = 100_000 }
        let client = try await client(node)
        #expect(try await client.reply(to: "MAIL FROM:<a@src.test> SIZE=200000").hasPrefix("552 5.3.4"))
        try await client.close()
        try await wait(until: "the event") { node.spool.events.count == 1 }
        let event = node.spool.events[0]
        for part in [
            "\"rejected\"", "\"size\"", "552", "127.0.0.1", "\"inside\"", "\"client.test\"", "\"session\"",
        ] { #expect(event.contains(part), "\(part) in \(event)") }
        let counted = "apus_rejected_recipients_total{listener=\"inside\",reason=\"size\"} 1"
        #expect(await node.metrics.exposition().contains(counted))
        try await node.stop()
    }

    @Test func recipients() async throws {
        let node = try await IngressNode { $0.ingress.recipientsLimit = 1 }
        let client = try await client(node)
        _ = try await client.reply(to: "MAIL FROM:<a@src.test>")
        #expect(try await client.reply(to: "RCPT TO:<broken").hasPrefix("501"))
        #expect(try await client.reply(to: "RCPT TO:<one@own.test>").hasPrefix("250"))
        #expect(try await client.reply(to: "RCPT TO:<two@own.test>").hasPrefix("452"))
        try await client.close()
        try await wait(until: "the events") { node.spool.events.count == 2 }
        #expect(node.spool.events[0].contains("\"syntax\"") && !node.spool.events[0].contains("broken"))
        #expect(node.spool.events[1].contains("\"too many recipients\""))
        #expect(node.spool.events[1].contains("two@own.test") && node.spool.events[1].contains("a@src.test"))
        try await node.stop()
    }

    /// Each recipient of a message that is refused for its content.
    @Test func bareLineFeed() async throws {
        let node = try await IngressNode()
        let client = try await client(node)
        _ = try await client.reply(to: "MAIL FROM:<a@src.test>")
        for name in ["one", "two"] { _ = try await client.reply(to: "RCPT TO:<\(name)@own.test>") }
        _ = try await client.reply(to: "DATA")
        #expect(try await client.reply(to: "Subject: x\r\n\r\na\nb\r\n.").hasPrefix("550 5.6.0"))
        try await client.close()
        try await wait(until: "the events") { node.spool.events.count == 2 }
        for (event, name) in zip(node.spool.events, ["one", "two"]) {
            #expect(event.contains("\(name)@own.test") && event.contains("\"content format\""))
        }
        try await node.stop()
    }

    @Test func aScannerCannotFillTheLog() async throws {
        let node = try await IngressNode { $0.ingress.errorsLimit = 49 }
        let client = try await client(node)
        for _ in 0..<49 { #expect(try await client.reply(to: "MAIL FROM:broken").hasPrefix("501")) }
        _ = try await client.reply(to: "MAIL FROM:broken")
        let counted = "apus_rejections_without_event_total{listener=\"inside\"} 31"
        try await wait(until: "all are counted") { await node.metrics.exposition().contains(counted) }
        #expect(node.spool.events.count == 20)
        try await node.stop()
    }
}
