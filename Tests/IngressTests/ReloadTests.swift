import Ingress
import MailModel
import MailTestKit
import NodeRuntime
import Testing

/// Another configuration while clients are connected.
@Suite struct ReloadTests {
    private static func reload(
        _ node: IngressNode, _ change: (inout IngressConfiguration) -> Void
    ) async throws {
        var configuration = node.configuration
        change(&configuration.ingress)
        await (try await node.service.prepare(configuration))()
    }

    /// Whether RCPT for a domain is taken in a session that has said EHLO and MAIL.
    private static func takes(_ client: LineClient, _ domain: String) async throws -> Bool {
        try await client.reply(to: "RCPT TO:<r@\(domain)>").hasPrefix("250")
    }

    private static func session(_ port: Int) async throws -> LineClient {
        let client = try await LineClient(port: port)
        #expect(try await client.reply(to: nil).hasPrefix("220"))
        #expect(try await client.reply(to: "HELO client.test").hasPrefix("250"))
        #expect(try await client.reply(to: "MAIL FROM:<a@client.test>").hasPrefix("250"))
        return client
    }

    @Test func sessionsUnderWayKeepTheirRules() async throws {
        let node = try await IngressNode()
        let before = try await Self.session(node.outside)
        try await Self.reload(node) { $0.domains = [Domain(canonical: "new.test")] }
        #expect(try await Self.takes(before, "own.test"))
        #expect(try await !Self.takes(before, "new.test"))
        let after = try await Self.session(node.outside)
        #expect(try await Self.takes(after, "new.test"))
        #expect(try await !Self.takes(after, "own.test"))
        try await node.stop()
    }

    @Test func listenersComeAndGo() async throws {
        let node = try await IngressNode()
        let added = try LoopbackPort.free()
        try await Self.reload(node) { ingress in
            ingress.listeners.removeAll { $0.name == "outside" }
            ingress.listeners[0].name = "renamed"
            var new = ingress.listeners[0]
            new.name = "added"
            new.address = ListenAddress(address: .v4(0x7F00_0001), port: added)
            ingress.listeners.append(new)
        }
        for port in [node.inside, added] {
            #expect(try await node.send(to: ["r@anywhere.test"], through: port).map(\.codes) == ["250 2.0.0"])
        }
        #expect(try node.spool.messages().map(\.origin.listener) == ["renamed", "added"])
        try await wait(until: "the other is closed") { !LoopbackPort.isListening(node.outside) }
        try await node.stop()
    }

    @Test func anAddressInUseChangesNothing() async throws {
        let (node, other) = (try await IngressNode(), try await IngressNode())
        await #expect(throws: (any Error).self) {
            try await Self.reload(node) { ingress in
                ingress.domains = []
                ingress.listeners[0].address = other.configuration.ingress.listeners[0].address
            }
        }
        #expect(try await node.send(to: ["r@own.test"], through: node.outside).map(\.codes) == ["250 2.0.0"])
        #expect(try await node.send(to: ["r@own.test"]).map(\.codes) == ["250 2.0.0"])
        try await node.stop()
        try await other.stop()
    }
}
