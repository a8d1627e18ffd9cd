import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// Real servers of LMTP take what the node delivers.
    @Suite struct LMTPTests {
        @Test(
            .timeLimit(.minutes(10)), .enabled(if: Dovecot.isPossible, "needs Dovecot with LMTP"),
            arguments: [false, true])
        func dovecot(onUnixSocket: Bool) async throws {
            let dovecot = try await Dovecot.started(users: ["b@dst.test", "c@dst.test"])
            let place = onUnixSocket ? "unix:\(dovecot.socket)" : "127.0.0.1:\(dovecot.port)"
            let node = try await Node.started(
                .init(routes: [("dst.test", "{lmtp: \"\(place)\"}"), ("src.test", "{discard: true}")]))
            let body = ".\r\n..two\r\n\r\nend\r\n"
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["b@dst.test", "nobody@dst.test", "c@dst.test"],
                content: TestContent.message("to Dovecot", body: body))
            try await node.waitUntilEmpty()
            let events = try await node.events(of: id)
            let ends = Dictionary(grouping: events.filter { $0.type != "accepted" }) { $0.recipient ?? "" }
            #expect(
                ends.mapValues { $0.map(\.type) } == [
                    "b@dst.test": ["delivered"], "c@dst.test": ["delivered"], "nobody@dst.test": ["failed"],
                ])
            #expect(ends["b@dst.test"]?.first?.reply?.text?.contains("<b@dst.test>") == true)
            #expect(ends["c@dst.test"]?.first?.reply?.text?.contains("<c@dst.test>") == true)
            #expect(ends["nobody@dst.test"]?.first?.reply?.enhanced == "5.1.1")
            #expect(ends["nobody@dst.test"]?.first?.class == "bad-mailbox")
            for event in events where event.type != "accepted" {
                #expect(event.protocol == "lmtp" && event.route == "lmtp")
                #expect(event.remote?.host == (onUnixSocket ? dovecot.socket : "127.0.0.1"))
            }
            for user in ["b", "c"] {
                let mail = try dovecot.mail(of: "\(user)@dst.test")
                #expect(mail.count == 1)
                #expect(mail.first?.hasPrefix("Return-Path: <") == true)
                #expect(mail.first?.hasSuffix("\n\n" + body.replacing("\r\n", with: "\n")) == true)
            }
            try await dovecot.stop()
            // A server that is down is a dead host: the mail waits, and `why` says for what.
            let late = try SMTPClient.send(
                to: node.smtp, recipients: ["b@dst.test"], content: TestContent.message("late", body: "x\r\n"))
            let deferred = try await node.events(of: late, until: "deferred")
            #expect(deferred.last { $0.type == "deferred" }?.class == "no-answer-from-host")
            let why = try await Apus.run(["why", late, "--node", "http://127.0.0.1:\(node.http)"])
            #expect(why.exit == .code(0) && why.output.joined().contains("b@dst.test"))
            try await node.stop()
        }

        @Test(.timeLimit(.minutes(10))) func aiosmtpd() async throws {
            let sink = try await AioSink.started(lmtp: true)
            let node = try await Node.started(.init(routes: [("dst.test", "{lmtp: \"127.0.0.1:\(sink.port)\"}")]))
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["b@dst.test", "full@dst.test", "c@dst.test"],
                content: TestContent.message("to aiosmtpd", body: ".dot\r\n"))
            let events = try await node.events(of: id, until: "deferred")
            #expect(
                Set(events.filter { $0.type == "delivered" }.compactMap(\.recipient)) == ["b@dst.test", "c@dst.test"])
            let deferred = try #require(events.first { $0.type == "deferred" })
            #expect(deferred.recipient == "full@dst.test" && deferred.reply?.enhanced == "4.2.2")
            #expect(try sink.directory.read("0.eml").hasSuffix("\r\n\r\n.dot\r\n"))
            try await node.waitUntilEmpty()
            try await sink.stop()
            try await node.stop()
        }
    }
}
