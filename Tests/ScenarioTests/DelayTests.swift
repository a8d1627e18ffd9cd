import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// The notice that mail waits, over deaths of the node.
    @Suite struct DelayTests {
        @Test(.timeLimit(.minutes(10))) func oneNoticeThoughTheNodeIsKilled() async throws {
            let destination = try Peer { command, _ in
                command.hasPrefix("RCPT TO:<later") ? "451 4.2.2 mailbox full" : nil
            }
            let origin = try Peer()
            var settings = Node.Settings(routes: [
                ("dst.test", "{relay: \"127.0.0.1:\(destination.port)\"}"),
                ("src.test", "{relay: \"127.0.0.1:\(origin.port)\"}"),
            ])
            settings.sender["dsn"] = "{delay: 2s}"
            settings.sender["retry"] =
                "{default: {first: 1s, factor: 1, max: 1s, jitter: 0%}, quota: {first: 1s, max: 1s}}"
            let node = try await Node.started(settings)
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["<later@dst.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;first@dst.test"],
                mail: " ENVID=QQ314159", content: TestContent.message("my subject"))
            // Dead as soon as it is committed that the originator was told, wherever the notice is then.
            _ = try await node.events(of: id, until: "delay_notified")
            try await node.kill()
            try await node.start()
            let first = try await origin.transaction()
            #expect(first.mail.hasPrefix("<>") && first.text.contains("Action: delayed"))
            for field in [
                "Will-Retry-Until: ", "Original-Envelope-Id: QQ314159", "Original-Recipient: rfc822; first@dst.test",
            ] {
                #expect(first.text.contains(field), "no \(field)")
            }
            let notice = try #require(first.field("Message-ID")?.dropFirst().prefix(26))
            _ = try await node.events(of: String(notice), until: "delivered")
            // Dead again, long after.
            try await node.kill()
            try await node.start()
            let before = try await node.events(of: id).count { $0.type == "deferred" }
            let events = try await node.events(of: id, until: "deferred", count: before + 2)
            #expect(events.count { $0.type == "delay_notified" } == 1)
            // A kill between the notice's record and the end of its entry repeats the same one; it makes no other.
            #expect(Set(origin.transactions.map { $0.field("Message-ID") ?? "" }).count == 1)
        }
    }
}
