import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// Recipients are asked for at the host of their domain.
    @Suite struct VerificationTests {
        private func node(_ port: Int, _ more: String = "", kind: String = "smtp") async throws -> Node {
            var settings = Node.Settings(routes: [("*", "{relay: \"127.0.0.1:\(port)\"}")])
            settings.listener = ", relay_from: []"
            settings.ingress = [
                "domains: [own.test, free.test]",
                "verify: {hosts: {own.test: {\(kind): \"127.0.0.1:\(port)\"}}\(more)}",
            ]
            return try await Node.started(settings)
        }

        private func rcpt(_ recipient: String, at node: Node) throws -> SMTPReply {
            let client = try SMTPClient(to: node.smtp)
            defer { client.quit() }
            _ = try client.command("MAIL FROM:<a@src.test>")
            return try client.command("RCPT TO:<\(recipient)>")
        }

        @Test(
            .timeLimit(.minutes(10)),
            .enabled(if: Tool.exist("postfix") && geteuid() == 0, "needs Postfix and root"))
        func aPostfixIsAsked() async throws {
            let files = try ScratchDirectory("apus-verify")
            try files.write("known@own.test x\n", to: "relay_recipients")
            _ = try await ChildProcess.run("chmod", ["-R", "a+rX", files.path])
            let port = try LoopbackPort.free()
            let postfix = try await Postfix.started(
                name: "verify", port: port, relayPort: 1,
                more: "relay_domains = own.test\n"
                    + "relay_recipient_maps = texthash:\(files.file("relay_recipients"))\n")
            let node = try await node(port)
            #expect(try rcpt("known@own.test", at: node).code == 250)
            #expect(try rcpt("nobody@own.test", at: node).description == "550 5.1.1 User unknown")
            #expect(try rcpt("anybody@free.test", at: node).code == 250, "not a domain to be asked for")
            // Down: what is known stays so, what is not waits.
            try await postfix.stop()
            #expect(try rcpt("known@own.test", at: node).code == 250)
            #expect(try rcpt("nobody@own.test", at: node).code == 550)
            #expect(
                try rcpt("new@own.test", at: node).description
                    == "450 4.1.1 Recipient cannot be verified now, try later")
        }

        @Test(.timeLimit(.minutes(10))) func callOutsAreFewAndSendNothing() async throws {
            let peer = try Peer { line, _ in
                line.hasPrefix("RCPT TO:<no")
                    ? "550 5.1.1 no such user"
                    : line.hasPrefix("RCPT TO:<blocked") ? "550 5.7.1 blocked" : nil
            }
            let node = try await node(peer.port)
            for _ in 0..<3 {
                #expect(try rcpt("yes@own.test", at: node).code == 250)
                #expect(try rcpt("no@own.test", at: node).code == 550)
            }
            // A refusal of ourselves says nothing about the address.
            #expect(try rcpt("blocked@own.test", at: node).code == 450)
            try await wait(until: "the peer is left") { peer.commands.count { $0 == "QUIT" } == 3 }
            #expect(peer.commands.filter { $0.hasPrefix("MAIL") } == Array(repeating: "MAIL FROM:<>", count: 3))
            #expect(!peer.commands.contains("DATA") && peer.transactions.isEmpty)
            #expect(try await node.metric("apus_call_outs_total{result=\"exists\"}") == 1)

            // Pipelined: replies stay in order though some come later.
            let client = try SMTPClient(to: node.smtp)
            try client.socket.write(
                "MAIL FROM:<a@src.test>\r\nRCPT TO:<nobody@own.test>\r\nRCPT TO:<other@own.test>\r\n"
                    + "RCPT TO:<x@free.test>\r\nDATA\r\n")
            #expect(try (0..<5).map { _ in try client.reply().code } == [250, 550, 250, 250, 354])
            client.socket.close()
        }

        @Test(.timeLimit(.minutes(10))) func aSilentHostCostsOneTimeLimit() async throws {
            let silent = try Peer { line, _ in
                guard line.hasPrefix("RCPT") else { return nil }
                Thread.sleep(forTimeInterval: 30)
                return nil
            }
            let node = try await node(silent.port, ", timeout: 1s, unverified: accept")
            #expect(try rcpt("a@own.test", at: node).code == 250)
            #expect(try await node.metric("apus_call_outs_total{result=\"unanswered\"}") == 1)
            // The next one for it is not asked again.
            #expect(try rcpt("a@own.test", at: node).code == 250)
            #expect(silent.connections == 1)
        }
    }
}
