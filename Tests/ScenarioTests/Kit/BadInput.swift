import MailTestKit
import Testing

/// A node that is maltreated, and the question whether it minds.
struct BadInput {
    let peer: Peer
    let node: Node

    init() async throws {
        peer = try Peer()
        var settings = Node.Settings(routes: [
            ("dst.test", "{relay: \"127.0.0.1:\(peer.port)\"}"), ("*.invalid", "{discard: true}"),
        ])
        settings.ingress = ["size_limit: 5MB", "connections_per_client: 3000"]
        node = try await Node.started(settings)
    }

    /// A normal message passes, the node is ready, and its memory is within bounds.
    func isWell(_ comment: Comment) async throws {
        let before = peer.transactions.count
        let id = try SMTPClient.send(
            to: node.smtp, recipients: ["b@dst.test"], content: TestContent.message("after bad input"))
        _ = try await node.events(of: id, until: "delivered")
        #expect(peer.transactions.count == before + 1, comment)
        #expect(peer.transactions.last?.field("Subject") == "after bad input", comment)
        #expect(await node.isReady, comment)
        #expect(node.memory < 500_000_000, comment)
    }
}
