import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// What is deferred is tried again until it is delivered, has failed, or its time is over.
    @Suite struct RetryTests {
        private static func settings(_ port: Int) -> Node.Settings {
            Node.Settings(routes: [("dst.test", "{relay: \"127.0.0.1:\(port)\"}")])
        }

        /// Each step of the dialogue may say 451 twice; the third attempt delivers.
        @Test(
            .timeLimit(.minutes(10)),
            arguments: ["MAIL FROM:<a@src.test>", "RCPT TO:<b@dst.test>", "DATA", "."])
        func deferredThenDelivered(step: String) async throws {
            let peer = try Peer(extensions: []) { command, count in
                command.hasPrefix(step) && count < 2 ? "451 4.3.0 later" : nil
            }
            let node = try await Node.started(Self.settings(peer.port))
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["b@dst.test"], content: TestContent.message())
            let events = try await node.events(of: id, until: "delivered")
            #expect(events.map(\.type) == ["accepted", "deferred", "deferred", "delivered"])
            #expect(events.map(\.attempt) == [0, 1, 2, 3])
            #expect(Set(events.map(\.eventId)).count == 4)
            for event in events where event.type == "deferred" {
                #expect(event.reply?.code == 451)
                #expect(event.reply?.enhanced == "4.3.0")
                let next = try #require(event.nextAttempt)
                #expect(next > event.time, "both are RFC 3339 in UTC, so text order is time order")
            }
            #expect(peer.transactions.count == 1)
            try await node.waitUntilEmpty()
        }

        /// A peer that cuts the connection at any step delays the mail, and no step loses or repeats it.
        @Test(.timeLimit(.minutes(10)), arguments: ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."])
        func aConnectionThatIsCut(step: String) async throws {
            let peer = try Peer { command, count in command.hasPrefix(step) && count == 0 ? "" : nil }
            let node = try await Node.started(Self.settings(peer.port))
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["b@dst.test"], content: TestContent.message())
            let events = try await node.events(of: id, until: "delivered")
            #expect(!events.contains { $0.type == "failed" })
            #expect(events.count { $0.type == "delivered" } == 1)
            #expect(peer.transactions.count == 1)
        }

        /// 421 in the middle closes the connection and fails nothing.
        @Test(.timeLimit(.minutes(10))) func closingChannel() async throws {
            let peer = try Peer { command, count in
                command.hasPrefix("RCPT") && count == 0 ? "421 4.3.2 shutting down" : nil
            }
            let node = try await Node.started(Self.settings(peer.port))
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["b@dst.test"], content: TestContent.message())
            let events = try await node.events(of: id, until: "delivered")
            #expect(!events.contains { $0.type == "failed" })
            #expect(peer.connections >= 2)
        }

        /// Of several recipients only those deferred are tried again.
        @Test(.timeLimit(.minutes(10))) func recipientsHaveOutcomesOfTheirOwn() async throws {
            let peer = try Peer { command, count in
                if command.hasPrefix("RCPT TO:<slow@") && count == 0 { return "450 4.2.0 greylisted" }
                if command.hasPrefix("RCPT TO:<gone@") { return "550 5.1.1 no such user" }
                return nil
            }
            let node = try await Node.started(Self.settings(peer.port))
            let id = try SMTPClient.send(
                to: node.smtp, from: "", recipients: ["ok@dst.test", "slow@dst.test", "gone@dst.test"],
                content: TestContent.message())
            let events = try await node.events(of: id, until: "delivered", count: 2)
            func types(_ name: String) -> [String] { events.filter { $0.recipient == "\(name)@dst.test" }.map(\.type) }
            #expect(types("ok") == ["accepted", "delivered"])
            #expect(types("slow") == ["accepted", "deferred", "delivered"])
            #expect(types("gone") == ["accepted", "failed"])
            try await node.waitUntilEmpty()
            let taken = peer.transactions.map { $0.recipients.map { $0.prefix { $0 != ">" } + ">" } }
            #expect(taken == [["<ok@dst.test>"], ["<slow@dst.test>"]])
        }

        /// One message to several domains is one queue ID with a part for each.
        @Test(.timeLimit(.minutes(10))) func severalDomainsAreParts() async throws {
            let (one, other) = (try Peer(), try Peer())
            let node = try await Node.started(
                .init(routes: [
                    ("one.test", "{relay: \"127.0.0.1:\(one.port)\"}"),
                    ("other.test", "{relay: \"127.0.0.1:\(other.port)\"}"),
                    ("*.invalid", "{discard: true}"),
                ]))
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["a@one.test", "b@other.test", "c@one.test", "d@x.invalid"],
                content: TestContent.message())
            let events = try await node.events(of: id, until: "delivered", count: 4)
            let parts = Dictionary(grouping: events.filter { $0.type == "delivered" }) { $0.domain ?? "" }
            #expect(Set(parts.keys) == ["one.test", "other.test", "x.invalid"])
            for (_, events) in parts { #expect(Set(events.map(\.part)).count == 1) }
            #expect(Set(events.map(\.part)).count == 3)
            #expect(one.transactions.map(\.recipients.count) == [2])
            #expect(other.transactions.map(\.recipients.count) == [1])
            #expect(events.count { $0.type == "accepted" } == 4)
        }
    }
}
