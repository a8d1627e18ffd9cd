import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// `apus suppress` as operators type it: nothing for what it names reaches the peer.
    @Suite struct SuppressionTests {
        private struct Entry: Decodable {
            var recipient, domain, tenant, source, reason, actor, time, expiry, reply: String?
            var offset: Int?
        }

        private struct Totals: Decodable { var added, removed: Int? }

        private let peer: Peer
        private let node: Node

        init() async throws {
            peer = try Peer { command, _ in
                command.lowercased().hasPrefix("rcpt to:<nobody") ? "550 5.1.1 no such user" : nil
            }
            var settings = Node.Settings(routes: [("*", "{relay: \"127.0.0.1:\(peer.port)\"}")])
            settings.sender["suppression"] = "{hard_bounces: true, expiry: 30d}"
            node = try await Node.started(settings)
        }

        private func suppress(
            _ arguments: String..., input: String = ""
        ) async throws -> (code: Int32, output: [String], errors: [String]) {
            let (exit, output, errors) = try await Apus.run(
                ["suppress"] + arguments + ["--config", node.configuration], input: input)
            guard case .code(let code) = exit else { throw TestKitError("\(arguments) died: \(exit)") }
            return (code, output, errors)
        }

        private func list(_ arguments: String...) async throws -> [Entry] {
            let (exit, output, errors) = try await Apus.run(
                ["suppress", "list", "--json", "--config", node.configuration] + arguments)
            guard exit == .code(0) else { throw TestKitError("list: \(exit) \(errors)") }
            return try JSONLines.decode(Entry.self, output)
        }

        private func send(to recipient: String) throws -> String {
            try SMTPClient.send(to: node.smtp, recipients: [recipient], content: TestContent.message())
        }

        @Test(.timeLimit(.minutes(1))) func addSendRemove() async throws {
            let added = try await suppress(
                "add", "Ann@dst.test", "*.bad.test", "--reason", "asked by phone", "--expires", "30d")
            #expect(added.code == 0, "\(added.errors)")
            #expect(added.output.count == 2 && added.output[0].hasPrefix("ann@dst.test  manual  asked by phone"))
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["ANN@dst.test", "bo@dst.test"], content: TestContent.message())
            let ended = try #require(
                try await node.events(of: id, until: "suppressed").last { $0.type == "suppressed" })
            #expect(ended.recipient == "ANN@dst.test" && ended.class == "other" && ended.attempt == 0)
            #expect(ended.reason == "the address is suppressed (manual): asked by phone")
            #expect(ended.actor?.isEmpty == false)
            let other = try send(to: "x@sub.bad.test")
            _ = try await node.events(of: other, until: "suppressed")
            _ = try await node.events(of: id, until: "delivered")
            try await node.waitUntilEmpty()
            #expect(peer.transactions.map(\.recipients.count) == [1])
            #expect(!peer.commands.contains { $0.lowercased().contains("ann@") || $0.contains("sub.bad.test") })
            let trace = try await Apus.run(["trace", id, "--config", node.configuration])
            #expect(trace.output.contains { $0.contains("suppressed") && $0.contains("asked by phone") })
            let series = "apus_outcomes_total{type=\"suppressed\",class=\"other\""
            #expect(try await node.metrics().filter { $0.key.hasPrefix(series) }.values.reduce(0, +) == 2)

            let check = try await suppress("check", "aNn@dst.test")
            #expect(check.code == 0 && check.output.first?.hasPrefix("suppressed by: ann@dst.test") == true)
            #expect(try await suppress("remove", "ANN@dst.test", "no@dst.test").code == 1, "one of them is not there")
            #expect(try await suppress("check", "ann@dst.test").code == 1)
            #expect(try await list().map { $0.domain ?? $0.recipient } == ["*.bad.test"])
            let again = try send(to: "ann@dst.test")
            _ = try await node.events(of: again, until: "delivered")
        }

        @Test(.timeLimit(.minutes(1))) func hardBouncesAddThemselves() async throws {
            let id = try send(to: "Nobody@dst.test")
            _ = try await node.events(of: id, until: "failed")
            let second = try send(to: "nobody@dst.test")
            let ended = try await node.events(of: second, until: "suppressed")
            #expect(ended.map(\.type) == ["accepted", "suppressed"])
            #expect(peer.commands.count { $0.hasPrefix("RCPT TO:<Nobody") || $0.hasPrefix("RCPT TO:<nobody") } == 1)
            let entry = try #require(try await list("--source", "hard-bounce").first)
            #expect(entry.recipient == "nobody@dst.test" && entry.reply == "550 5.1.1 no such user")
            try await node.waitUntilEmpty()
        }

        @Test(.timeLimit(.minutes(1))) func importOfTenThousand() async throws {
            var lines = ["email,reason,created"]
            for number in 0..<10_000 { lines.append("R\(number)@d\(number % 7).test,\"list, of \(number % 3)\",2020") }
            lines.insert("no address,x,", at: 5001)
            let file = try node.directory.write(lines.joined(separator: "\r\n"), to: "list.csv")
            let done = try await suppress("import", file, "--json", "--tenant", "t1")
            #expect(done.code == 1, "a line is wrong")
            #expect(
                done.errors.contains { $0.contains("list.csv:5002: \"no address\" is no mailbox") }, "\(done.errors)")
            #expect(try JSONLines.decode(Totals.self, done.output).first?.added == 10_000)
            #expect(try await list("--limit", "20000").count == 10_000)
            let page = try await list("--limit", "10", "--domain", "d3.test")
            #expect(page.first?.recipient == "r3@d3.test" && page.first?.tenant == "t1")
            #expect(page.first?.source == "import" && page.first?.reason == "list, of 0")
            let next = try await list("--limit", "10", "--domain", "d3.test", "--after", "\(page.last?.offset ?? 0)")
            #expect(next.first?.recipient == "r73@d3.test")
            #expect(try await suppress("check", "r9999@d3.test", "--tenant", "t1").code == 0)
            #expect(try await suppress("check", "r9999@d3.test").code == 1, "of one tenant alone")
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["r9999@d3.test"],
                content: TestContent.message(fields: ["X-Apus-Tenant: t1"]))
            _ = try await node.events(of: id, until: "suppressed")
            // Again, and from standard input: one entry stays one.
            let piped = try await suppress("import", "--tenant", "t1", input: "r1@d1.test\n\n# none\n@e.test\n")
            #expect(piped.code == 0 && piped.output == ["2 added"], "\(piped)")
            #expect(try await list("--limit", "20000").count == 10_001)
            #expect(peer.transactions.isEmpty)
        }

        @Test(.timeLimit(.minutes(1))) func withTheNodeStopped() async throws {
            #expect(try await suppress("add", "first@dst.test").code == 0)
            #expect(try await node.stop() == .code(0))
            #expect(try await suppress("add", "ann@dst.test", "--reason", "while stopped").code == 0)
            #expect(try await suppress("import", "-", input: "bo@dst.test\ncy@dst.test\n").code == 0)
            #expect(try await suppress("remove", "cy@dst.test").code == 0)
            #expect(try await suppress("remove", "cy@dst.test").code == 1)
            #expect(try await suppress("check", "ANN@dst.test").code == 0)
            #expect(try await list().map(\.recipient) == ["first@dst.test", "ann@dst.test", "bo@dst.test"])
            try await node.start()
            for recipient in ["first", "ann", "bo"] {
                _ = try await node.events(of: try send(to: "\(recipient)@dst.test"), until: "suppressed")
            }
            _ = try await node.events(of: try send(to: "cy@dst.test"), until: "delivered")
            #expect(peer.transactions.count == 1)
            // A crash takes nothing from the list.
            try await node.kill()
            try await node.start()
            _ = try await node.events(of: try send(to: "ann@dst.test"), until: "suppressed")
        }

        @Test(.timeLimit(.minutes(1))) func refusals() async throws {
            #expect(try await suppress("add", "ann bo").code == 64)
            #expect(try await suppress("add").code == 64)
            #expect(try await suppress("add", "ann@dst.test", "--expires", "yesterday").code == 64)
            #expect(try await suppress("add", "ann@dst.test", "--expires", "2001-01-01").code == 64)
            #expect(try await suppress("list", "--source", "rumour").code == 64)
            #expect(try await suppress("import", node.directory.file("none.csv")).code == 1)
            let unended = try await suppress("import", input: "ann@dst.test,\"never ends\nexample.org\n")
            #expect(unended.code == 1)
            #expect(unended.errors.contains { $0.contains("standard input:1: has a quoted field without its end") })
            #expect(unended.errors.contains { $0.contains("standard input:2: \"example.org\" is no mailbox") })
            #expect(try await list().isEmpty)
            #expect(try await node.get("/admin/v1/suppressions?colour=red").status == 400)
            #expect(try await node.get("/admin/v1/suppressions/check?recipient=ann").status == 400)
            #expect(try await node.get("/admin/v1/suppressions/check?recipient=ann@dst.test").status == 200)
            let url = "http://127.0.0.1:\(node.http)"
            #expect(try await Apus.run(["suppress", "add", "ann@dst.test", "--node", url]).exit == .code(77))
        }
    }
}
