import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// BDAT to a host of another make.
    @Suite struct ChunkingTests {
        /// Postfix offers CHUNKING; what it got is what the node got, byte for byte, also where lines begin with dots.
        @Test(
            .timeLimit(.minutes(10)),
            .enabled(if: Tool.exist("postfix") && geteuid() == 0, "needs Postfix and root"))
        func postfixTakesDotsAsTheyAre() async throws {
            let end = try Peer()
            let port = try LoopbackPort.free()
            let receiver = try await Postfix.started(name: "receiver", port: port, relayPort: end.port)
            let node = try await Node.started(.init(routes: [("dst.test", "{relay: \"127.0.0.1:\(port)\"}")]))
            let long = String(repeating: ".", count: 900)
            let bodies = [
                ".\r\n..\r\n...\r\n.dot\r\n", "\(long)\r\n\(long)\r\n", "a\r\n.\r\n\r\n.\r\n",
                String(repeating: ".line of a longer mail\r\n", count: 20_000),
            ]
            for (number, body) in bodies.enumerated() {
                _ = try SMTPClient.send(
                    to: node.smtp, recipients: ["b\(number)@dst.test"],
                    content: TestContent.message("number \(number)", body: body))
            }
            try await end.waitFor(bodies.count)
            for (number, body) in bodies.enumerated() {
                let got = try #require(end.transactions.first { $0.field("Subject") == "number \(number)" })
                #expect(got.text.hasSuffix("\r\n\r\n" + body))
            }
            try await node.waitUntilEmpty()
            try await node.stop()
            try await wait(until: "Postfix tells what it was sent") {
                try receiver.log.contains { $0.contains(" bdat=") && !$0.contains(" data=") }
            }
            try await receiver.stop()
        }
    }
}
