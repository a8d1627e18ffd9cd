import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// The configuration changes while the node runs.
    @Suite struct ReloadTests {
        @Test(.timeLimit(.minutes(10))) func routesChangeAndAWrongFileChangesNothing() async throws {
            let (old, new) = (try Peer(), try Peer())
            let node = try await Node.started(
                Node.Settings(routes: [("dst.test", "{relay: \"127.0.0.1:\(old.port)\"}")]))
            func send(_ recipient: String) throws {
                _ = try SMTPClient.send(to: node.smtp, recipients: [recipient], content: TestContent.message())
            }
            try send("first@dst.test")
            _ = try await old.transaction { $0.recipients.contains { $0.contains("first@") } }
            let text = try String(contentsOfFile: node.configuration, encoding: .utf8)
            func write(_ text: String) throws { try node.directory.write(text, to: "apus.yaml") }

            try write(text + "nonsense: 1\n")
            let refused = try await Apus.run(["reload", "--config", try node.socketOnly()])
            #expect(refused.exit == .code(78))
            #expect(refused.errors.joined().contains("nonsense"), "\(refused.errors)")
            try send("second@dst.test")
            _ = try await old.transaction { $0.recipients.contains { $0.contains("second@") } }

            try write(text.replacingOccurrences(of: "127.0.0.1:\(old.port)", with: "127.0.0.1:\(new.port)"))
            let taken = try await Apus.run(["reload", "--config", node.configuration])
            #expect(taken.exit == .code(0), "\(taken.errors)")
            try send("third@dst.test")
            _ = try await new.transaction { $0.recipients.contains { $0.contains("third@") } }

            try write(text)
            node.process?.signal(SIGHUP)
            try await wait(until: "the old host is back") {
                try send("fourth@dst.test")
                return old.transactions.contains { $0.recipients.contains { $0.contains("fourth@") } }
            }
        }
    }
}

extension Node {
    /// A configuration that only tells where this node's admin API is: the node's own may be wrong.
    fileprivate func socketOnly() throws -> String {
        try directory.write("http: {address: 127.0.0.1:\(http), socket: \(socket)}\n", to: "client.yaml")
        return directory.file("client.yaml")
    }
}
