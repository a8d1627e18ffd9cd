import MailModel
import MailTestKit
import NodeRuntime
import Testing

/// Limits of single clients as they feel them. The rates are per hour or day: no token comes back while a test runs.
@Suite struct ClientGateTests {
    /// A listener behind a balancer on loopback, so that a test may be any client.
    private func node(_ limits: String, relayFrom: String = "[192.0.2.0/24]", xclient: String = "") async throws
        -> IngressNode
    {
        try await IngressNode(
            settings: "client_limits: {\(limits)}", relayFrom: relayFrom,
            outsideSettings: ", proxy_protocol: {from: [127.0.0.0/8]}\(xclient)")
    }

    private func client(_ node: IngressNode, _ address: String) async throws -> (LineClient, greeting: String) {
        let client = try await LineClient(port: node.outside)
        let family = address.contains(":") ? "TCP6 \(address) ::1" : "TCP4 \(address) 198.51.100.1"
        let greeting = try await client.reply(to: "PROXY \(family) 5000 25")
        if greeting.hasPrefix("220") { _ = try await client.reply(to: "HELO c") }
        return (client, greeting)
    }

    private func refusals(_ node: IngressNode, _ limit: String) async -> String? {
        let name = "apus_client_limit_refusals_total{listener=\"outside\",limit=\"\(limit)\"} "
        return await node.metrics.exposition().split(separator: "\n").first { $0.hasPrefix(name) }.map {
            String($0.dropFirst(name.count))
        }
    }

    @Test func connections() async throws {
        let node = try await node("connection_rate: 2/d")
        for address in ["203.0.113.1", "203.0.113.2", "2001:db8::1", "2001:db8:0:1::1"] {
            for _ in 0..<2 { #expect(try await client(node, address).greeting.hasPrefix("220")) }
        }
        #expect(
            try await client(node, "203.0.113.1").greeting
                == "421 4.7.0 Too many connections from you in a short time, try later\r\n")
        // Another address of the same network of 64 bits.
        #expect(try await client(node, "2001:db8::ffff:1").greeting.hasPrefix("421 4.7.0"))
        #expect(await refusals(node, "connection_rate") == "2")
        // Those who may relay have no limits.
        for _ in 0..<5 { #expect(try await client(node, "192.0.2.1").greeting.hasPrefix("220")) }
        try await node.stop()
    }

    @Test func messages() async throws {
        let node = try await node("message_rate: 2/d")
        let (client, _) = try await client(node, "203.0.113.1")
        for _ in 0..<2 {
            #expect(try await client.reply(to: "MAIL FROM:<a@src.test>").hasPrefix("250"))
            _ = try await client.reply(to: "RSET")
        }
        #expect(try await client.reply(to: "MAIL FROM:<a@src.test>").hasPrefix("450 4.7.1 Too many messages"))
        #expect(try await client.reply(to: "RCPT TO:<a@own.test>").hasPrefix("503"))
        let (other, _) = try await self.client(node, "203.0.113.2")
        #expect(try await other.reply(to: "MAIL FROM:<a@src.test>").hasPrefix("250"))
        let (trusted, _) = try await self.client(node, "192.0.2.2")
        for _ in 0..<4 {
            #expect(try await trusted.reply(to: "MAIL FROM:<a@src.test>").hasPrefix("250"))
            _ = try await trusted.reply(to: "RSET")
        }
        #expect(await refusals(node, "message_rate") == "1")
        try await client.close()
        try await other.close()
        try await node.stop()
    }

    @Test func recipients() async throws {
        let node = try await node("recipient_rate: 3/d")
        let (client, _) = try await client(node, "203.0.113.1")
        _ = try await client.reply(to: "MAIL FROM:<a@src.test>")
        for number in 0..<3 {
            // One that is refused takes nothing.
            #expect(try await client.reply(to: "RCPT TO:<a@anywhere.test>").hasPrefix("550"))
            #expect(try await client.reply(to: "RCPT TO:<a\(number)@own.test>").hasPrefix("250"))
        }
        #expect(try await client.reply(to: "RCPT TO:<a@own.test>").hasPrefix("450 4.7.1 Too many recipients"))
        _ = try await client.reply(to: "DATA")
        #expect(try await client.reply(to: "x\r\n.").hasPrefix("250"))
        #expect(try node.spool.messages().first?.envelope.recipients.count == 3)
        #expect(await refusals(node, "recipient_rate") == "1")
        try await node.stop()
    }

    @Test func errors() async throws {
        let node = try await node("error_rate: 3/d")
        let (client, _) = try await client(node, "203.0.113.1")
        #expect(try await client.reply(to: "FROB").hasPrefix("500"))
        _ = try await client.reply(to: "MAIL FROM:<a@src.test>")
        #expect(try await client.reply(to: "RCPT TO:<a@anywhere.test>").hasPrefix("550"))
        #expect(
            try await client.reply(to: "FROB").hasSuffix(
                "421 4.7.0 Too many errors from you in a short time, try later\r\n"))
        // On a new connection as well, but others are served.
        #expect(try await self.client(node, "203.0.113.1").greeting.hasPrefix("421 4.7.0 Too many errors"))
        #expect(try await self.client(node, "203.0.113.2").greeting.hasPrefix("220"))
        #expect(await refusals(node, "error_rate") == "2")
        try await node.stop()
    }

    /// `exempt` takes the place of `relay_from`, and the prefixes say who is one client.
    @Test func exemptClientsAndPrefixes() async throws {
        let node = try await node("connection_rate: 1/d, exempt: [203.0.113.0/24], ipv4_prefix: 24, ipv6_prefix: 48")
        for _ in 0..<3 { #expect(try await client(node, "203.0.113.1").greeting.hasPrefix("220")) }
        #expect(try await client(node, "192.0.2.1").greeting.hasPrefix("220"))
        #expect(try await client(node, "192.0.2.200").greeting.hasPrefix("421"))
        #expect(try await client(node, "2001:db8:0:1::1").greeting.hasPrefix("220"))
        #expect(try await client(node, "2001:db8:0:2::1").greeting.hasPrefix("421"))
        try await node.stop()
    }

    /// A host that speaks for others is not counted; those it speaks for are.
    @Test func clientsBehindXCLIENT() async throws {
        let node = try await node("connection_rate: 1/d", xclient: ", xclient: {from: [203.0.113.9/32]}")
        for number in 1...3 {
            let (proxy, greeting) = try await client(node, "203.0.113.9")
            #expect(greeting.hasPrefix("220"))
            #expect(try await proxy.reply(to: "XCLIENT ADDR=203.0.113.1\(number)").hasPrefix("220"))
        }
        let (proxy, _) = try await client(node, "203.0.113.9")
        #expect(try await proxy.reply(to: "XCLIENT ADDR=203.0.113.11").hasPrefix("421 4.7.0"))
        try await node.stop()
    }
}
