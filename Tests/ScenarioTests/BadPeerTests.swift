import Foundation
import MailTestKit
import Testing

extension Scenarios {
    @Suite struct BadPeerTests {
        /// Endless and broken replies defer the mail, and hold nobody else's.
        @Test(
            .timeLimit(.minutes(10)),
            arguments: [
                "no reply at all", "999 nonsense", "220-\(String(repeating: "x", count: 100_000))",
                String(repeating: "220-more\r\n", count: 20_000) + "220 end",
            ])
        func brokenPeers(greeting: String) async throws {
            let peer = try Peer()
            let broken = try Peer { command, _ in command == "CONNECT" ? greeting : nil }
            let own = try await Node.started(
                .init(routes: [
                    ("dst.test", "{relay: \"127.0.0.1:\(peer.port)\"}"),
                    ("broken.test", "{relay: \"127.0.0.1:\(broken.port)\"}"),
                ]))
            let id = try SMTPClient.send(
                to: own.smtp, recipients: ["b@broken.test"], content: TestContent.message())
            let events = try await own.events(of: id, until: "deferred")
            #expect(!events.contains { $0.type == "failed" || $0.type == "delivered" })
            _ = try SMTPClient.send(to: own.smtp, recipients: ["b@dst.test"], content: TestContent.message())
            _ = try await peer.transaction()
        }
    }
}
