import Foundation
import MailTestKit
import Testing

/// A DSN as Python's email package reads it.
private struct Notice: Decodable {
    var type, reportType, from, to, autoSubmitted: String
    var parts: [String]
    var message: [String: String]
    var recipients: [[String: String]]
    var returned: String
    var defects: [String]

    init(_ transaction: Peer.Transaction) async throws {
        let read = try await ChildProcess.run("python3", [Tool.script("dsn.py")], input: transaction.text)
        guard read.exit == .code(0) else { throw TestKitError("\(read.errors.joined(separator: "\n"))") }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(Notice.self, from: Data(read.output.joined().utf8))
    }
}

extension Scenarios {
    /// Delivery status notifications (RFC 3461, 3464) as they arrive at the reverse-path.
    @Suite struct BounceTests {
        private let destination: Peer
        private let origin: Peer
        private let node: Node

        init() async throws {
            destination = try Peer { command, _ in
                if command.hasPrefix("RCPT TO:<gone") { return "550 5.1.1 no such user" }
                if command.hasPrefix("RCPT TO:<later") { return "451 4.2.2 mailbox full" }
                return nil
            }
            origin = try Peer()
            node = try await Node.started(
                .init(routes: [
                    ("dst.test", "{relay: \"127.0.0.1:\(destination.port)\"}"),
                    ("src.test", "{relay: \"127.0.0.1:\(origin.port)\"}"),
                ]))
        }

        @Test(.timeLimit(.minutes(10))) func aFailureIsReported() async throws {
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["<gone@dst.test> ORCPT=rfc822;first+2Bname@dst.test NOTIFY=FAILURE"],
                mail: " RET=HDRS ENVID=QQ+2B314159", content: TestContent.message("my subject", body: "my body\r\n"))
            let events = try await node.events(of: id, until: "failed")
            #expect(events.map(\.type) == ["accepted", "failed"])
            let failed = try #require(events.last)
            #expect(failed.reply?.code == 550)
            #expect(failed.class == "bad-mailbox")
            #expect(failed.envelopeId == "QQ+314159")
            #expect(failed.orcpt == "rfc822;first+name@dst.test")

            let transaction = try await origin.transaction()
            #expect(transaction.mail.hasPrefix("<>"))
            #expect(transaction.recipients.first?.hasPrefix("<a@src.test>") == true)
            let notice = try await Notice(transaction)
            #expect(notice.type == "multipart/report")
            #expect(notice.reportType == "delivery-status")
            #expect(notice.autoSubmitted.hasPrefix("auto-replied"))
            #expect(notice.to.contains("a@src.test"))
            #expect(notice.defects.isEmpty)
            #expect(notice.parts == ["text/plain", "message/delivery-status", "text/rfc822-headers"])
            #expect(notice.message["reporting-mta"]?.contains("mx.apus.test") == true)
            #expect(notice.message["original-envelope-id"] == "QQ+314159")
            let recipient = try #require(notice.recipients.first)
            #expect(notice.recipients.count == 1)
            #expect(recipient["action"] == "failed")
            #expect(recipient["status"] == "5.1.1")
            #expect(recipient["final-recipient"]?.hasSuffix("gone@dst.test") == true)
            #expect(recipient["original-recipient"]?.replacing(" ", with: "") == "rfc822;first+name@dst.test")
            #expect(recipient["diagnostic-code"]?.contains("550 5.1.1 no such user") == true)
            #expect(notice.returned.contains("Subject: my subject"))
            #expect(!notice.returned.contains("my body"))
        }

        @Test(.timeLimit(.minutes(10))) func theWholeMessageComesBackOnRequest() async throws {
            _ = try SMTPClient.send(
                to: node.smtp, recipients: ["gone@dst.test"], mail: " RET=FULL",
                content: TestContent.message(body: "my body\r\n"))
            let notice = try await Notice(try await origin.transaction())
            #expect(notice.parts.last == "message/rfc822")
            #expect(notice.returned.contains("my body"))
        }

        /// One DSN for the failed recipients of an attempt; those delivered are not in it.
        @Test(.timeLimit(.minutes(10))) func onlyFailedRecipientsAreNamed() async throws {
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["ok@dst.test", "gone1@dst.test", "gone2@dst.test"],
                content: TestContent.message())
            _ = try await node.events(of: id, until: "failed", count: 2)
            let notice = try await Notice(try await origin.transaction())
            #expect(
                notice.recipients.compactMap { $0["final-recipient"]?.suffix(14) }.sorted() == [
                    "gone1@dst.test", "gone2@dst.test",
                ])
            #expect(destination.transactions.count == 1)
        }

        /// NOTIFY=NEVER and a null reverse-path mean silence; so does a DSN that fails itself.
        @Test(.timeLimit(.minutes(10))) func noNoticeWhereNoneIsWanted() async throws {
            let never = try SMTPClient.send(
                to: node.smtp, recipients: ["<gone@dst.test> NOTIFY=NEVER"], content: TestContent.message())
            let null = try SMTPClient.send(
                to: node.smtp, from: "", recipients: ["gone@dst.test"], content: TestContent.message())
            // The DSN goes to an address that fails as well.
            let loop = try SMTPClient.send(
                to: node.smtp, from: "gone-too@dst.test", recipients: ["gone@dst.test"], content: TestContent.message())
            for id in [never, null, loop] { _ = try await node.events(of: id, until: "failed") }
            try await wait(until: "the DSN fails") {
                destination.commands.contains("MAIL FROM:<>")
                    || destination.commands.contains { $0.hasPrefix("RCPT TO:<gone-too@") }
            }
            // A last message that does get a DSN shows that the others had their time.
            _ = try SMTPClient.send(to: node.smtp, recipients: ["gone@dst.test"], content: TestContent.message("last"))
            let only = try await Notice(try await origin.transaction())
            #expect(only.returned.contains("Subject: last"))
            try await node.waitUntilEmpty()
            #expect(origin.transactions.count == 1)
            #expect(destination.commands.count { $0.hasPrefix("RCPT TO:<gone-too@") } == 1)
        }

        /// A recipient whose lifetime is over expires, with a DSN that tells the last reply.
        @Test(.timeLimit(.minutes(10))) func expiry() async throws {
            var events: [Event] = []
            // On a machine that stands still for a while, the time of a message may be over before its first attempt.
            for lifetime in [3, 10, 30] where events.count < 3 {
                let id = try SMTPClient.send(
                    to: node.smtp, recipients: ["later@dst.test"],
                    content: TestContent.message(fields: ["X-Apus-Lifetime: \(lifetime)s"]))
                events = try await node.events(of: id, until: "expired")
            }
            #expect(events.first?.type == "accepted")
            #expect(events.last?.type == "expired")
            #expect(events.dropFirst().dropLast().allSatisfy { $0.type == "deferred" })
            #expect(events.count >= 3)
            let notice = try await Notice(try await origin.transaction { $0.text.contains("mailbox full") })
            let recipient = try #require(notice.recipients.first)
            #expect(recipient["action"] == "failed")
            #expect(recipient["status"]?.hasPrefix("4.") == true || recipient["status"]?.hasPrefix("5.") == true)
            #expect(recipient["diagnostic-code"]?.contains("mailbox full") == true)
            try await node.waitUntilEmpty()
        }
    }
}
