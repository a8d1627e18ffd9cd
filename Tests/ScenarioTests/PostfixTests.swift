import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// A Postfix of the test's own hands mail in and takes it out: mail goes Postfix → node → Postfix's next hop.
    @Suite struct PostfixTests {
        @Test(
            .timeLimit(.minutes(10)),
            .enabled(if: Tool.exist("postfix", "sendmail") && geteuid() == 0, "needs Postfix and root"))
        func clientAndReceiver() async throws {
            let end = try Peer()
            let ports = try LoopbackPort.free(2)
            // The receiver takes mail for dst.test and relays it to the peer, where the test can see it.
            let receiver = try await Postfix.started(name: "receiver", port: ports[0], relayPort: end.port)
            let node = try await Node.started(.init(routes: [("dst.test", "{relay: \"127.0.0.1:\(ports[0])\"}")]))
            let client = try await Postfix.started(name: "client", port: ports[1], relayPort: node.smtp)
            let session = try SMTPClient(to: ports[1])
            for number in 0..<10 {
                let reply = try session.send(
                    from: "a@src.test", to: ["b\(number)@dst.test"],
                    content: TestContent.message("number \(number)", body: ".dot\r\n..\r\nend\r\n"))
                #expect(reply.code == 250, "\(reply)")
            }
            session.quit()
            try await end.waitFor(10)
            try await node.waitUntilEmpty()
            for number in 0..<10 {
                let got = try #require(end.transactions.first { $0.field("Subject") == "number \(number)" })
                #expect(got.recipients.first?.hasPrefix("<b\(number)@dst.test>") == true)
                #expect(got.text.hasSuffix("\r\n\r\n.dot\r\n..\r\nend\r\n"))
                let hops = got.text.components(separatedBy: "\r\n").filter { $0.hasPrefix("Received: ") }
                #expect(hops.count == 3)
                #expect(hops[1].contains("client.test"), "\(hops)")
            }
            #expect(end.transactions.count == 10)
            try await client.stop()
            try await receiver.stop()
        }
    }
}
