import MailModel
import MailTestKit
import NIOCore
import NodeRuntime
import Testing

/// Who a client is for relaying, limits, trace field and events, behind a balancer or a host that speaks for others.
@Suite struct BalancerTests {
    private let relayFrom = "[192.0.2.0/24, 127.0.0.0/8]"

    private func behindBalancer(settings: String = "") async throws -> IngressNode {
        try await IngressNode(
            settings: settings, relayFrom: relayFrom,
            outsideSettings: ", proxy_protocol: {from: [127.0.0.0/8], timeout: 5s}")
    }

    /// - Returns: The reply to RCPT to a domain that is not ours.
    private func relay(_ client: LineClient) async throws -> String {
        _ = try await client.reply(to: "HELO client.test")
        _ = try await client.reply(to: "MAIL FROM:<a@src.test>")
        return try await client.reply(to: "RCPT TO:<b@anywhere.test>")
    }

    @Test(arguments: [
        ("PROXY TCP4 192.0.2.7 198.51.100.1 5000 25", "250"),
        ("PROXY TCP4 203.0.113.7 198.51.100.1 5000 25", "550 5.7.1"),
        ("PROXY TCP6 ::ffff:192.0.2.7 ::1 5000 25", "250"), ("PROXY TCP6 2001:db8::7 ::1 5000 25", "550 5.7.1"),
        // The balancer may relay, somebody whom it does not name may not.
        ("PROXY UNKNOWN", "550 5.7.1"),
    ])
    func relayingIsTheClientsRight(header: String, code: String) async throws {
        let node = try await behindBalancer()
        let client = try await LineClient(port: node.outside)
        #expect(try await client.reply(to: header).hasPrefix("220 mta.test"))
        #expect(try await relay(client).hasPrefix(code))
        try await client.close()
        try await node.stop()
    }

    @Test func theClientIsInRecordsAndEvents() async throws {
        let node = try await behindBalancer()
        let client = try await LineClient(port: node.outside)
        _ = try await client.reply(to: "PROXY TCP6 2001:DB8::7 ::1 5000 25")
        #expect(try await relay(client).hasPrefix("550"))
        _ = try await client.reply(to: "RCPT TO:<b@own.test>")
        _ = try await client.reply(to: "DATA")
        #expect(try await client.reply(to: "Subject: x\r\n\r\nx\r\n.").hasPrefix("250"))
        let message = try #require(try node.spool.messages().first)
        #expect(message.origin.clientAddress == "2001:db8::7")
        #expect(String(buffer: message.content).contains("([IPv6:2001:db8::7])"))
        #expect(node.spool.events.first?.contains("\"client\":{\"address\":\"2001:db8::7\"}") == true)
        try await client.close()
        try await node.stop()
    }

    /// Not from the list: served as itself, and closed as soon as it pretends.
    @Test func aStrangersHeaderIsNotBelieved() async throws {
        let node = try await IngressNode(
            relayFrom: "[192.0.2.0/24]", outsideSettings: ", proxy_protocol: {from: [192.0.2.99/32]}")
        let honest = try await LineClient(port: node.outside)
        #expect(try await honest.reply(to: nil).hasPrefix("220"))
        #expect(try await relay(honest).hasPrefix("550 5.7.1"))
        let liar = try await LineClient(port: node.outside)
        #expect(try await liar.reply(to: nil).hasPrefix("220"))
        #expect(try await liar.reply(to: "PROXY TCP4 192.0.2.7 198.51.100.1 5000 25").hasPrefix("554 5.5.1"))
        try await honest.close()
        try await node.stop()
    }

    @Test func brokenHeadersAreCounted() async throws {
        let node = try await behindBalancer()
        let client = try await LineClient(port: node.outside)
        try await client.send("PROXY TCP4 192.0.2.300 198.51.100.1 5000 25")
        try await wait(until: "it is counted") {
            await node.metrics.exposition().contains("apus_proxy_header_refusals_total{listener=\"outside\"} 1")
        }
        try await node.stop()
    }

    @Test func xclientSpeaksForOthers() async throws {
        let node = try await IngressNode(
            relayFrom: "[192.0.2.0/24]", outsideSettings: ", xclient: {from: [127.0.0.1/32]}")
        let client = try await LineClient(port: node.outside)
        #expect(try await client.reply(to: nil).hasPrefix("220"))
        #expect(try await client.reply(to: "EHLO proxy.test").contains("XCLIENT NAME ADDR PORT"))
        #expect(try await client.reply(to: "XCLIENT ADDR=192.0.2.7").hasPrefix("220 mta.test"))
        #expect(try await relay(client).hasPrefix("250"))
        _ = try await client.reply(to: "RSET")
        #expect(try await client.reply(to: "XCLIENT ADDR=203.0.113.7").hasPrefix("220"))
        #expect(try await relay(client).hasPrefix("550 5.7.1"))
        _ = try await client.reply(to: "RSET")
        // Whom the proxy authenticated may relay, from wherever it comes.
        #expect(try await client.reply(to: "XCLIENT LOGIN=joe HELO=joes.test PROTO=ESMTP").hasPrefix("220"))
        #expect(try await client.reply(to: "MAIL FROM:<a@src.test>").hasPrefix("250"))
        #expect(try await client.reply(to: "RCPT TO:<b@anywhere.test>").hasPrefix("250"))
        _ = try await client.reply(to: "DATA")
        #expect(try await client.reply(to: "Subject: x\r\n\r\nx\r\n.").hasPrefix("250"))
        let message = try #require(try node.spool.messages().first)
        #expect(message.origin.clientAddress == "203.0.113.7" && message.origin.user == "joe")
        #expect(message.origin.ehlo == "joes.test")
        #expect(String(buffer: message.content).contains("from joes.test ([203.0.113.7])"))
        #expect(try await client.reply(to: "XCLIENT ADDR=[UNAVAILABLE] LOGIN=[UNAVAILABLE]").hasPrefix("220"))
        #expect(try await relay(client).hasPrefix("550"))
        try await client.close()
        try await node.stop()
    }

    @Test func xclientIsNotForEverybody() async throws {
        let node = try await IngressNode(
            relayFrom: "[192.0.2.0/24]", outsideSettings: ", xclient: {from: [192.0.2.1/32]}")
        let client = try await LineClient(port: node.outside)
        _ = try await client.reply(to: nil)
        #expect(try await !client.reply(to: "EHLO proxy.test").contains("XCLIENT"))
        #expect(try await client.reply(to: "XCLIENT ADDR=192.0.2.1").hasPrefix("550 5.7.0"))
        try await client.close()
        try await node.stop()
    }
}
