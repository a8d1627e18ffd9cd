import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// The rules that ship, at work: a host's reply becomes class and severity in events, metrics and the queue.
    @Suite struct BounceClassTests {
        static let rules = "\(Apus.root)/config/bounces.yaml"

        /// Postfix's `smtp-sink`, which refuses a command with a reply of the test's choice.
        private static func sink(_ port: Int, _ arguments: [String]) async throws -> ChildProcess {
            let sink = try ChildProcess("smtp-sink", ["-u", "root"] + arguments + ["127.0.0.1:\(port)", "100"])
            try await wait(until: "smtp-sink listens") { LoopbackPort.isListening(port) }
            return sink
        }

        /// The built-in rules take 5.2.1 for a mailbox out of use. A rule for hosts of this name knows better.
        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("smtp-sink", "unbound"), "needs Postfix and unbound"))
        func aProvidersReplyIsClassified() async throws {
            let port = try LoopbackPort.free()
            let text =
                "550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional"
            let sink = try await Self.sink(port, ["-f", "rcpt", "-B", text])
            defer { sink.killNow() }
            let names = try await Unbound.started(
                zones: ["dst.test.", "l.google.com."],
                records: ["dst.test. MX 10 smtp-in.l.google.com.", "smtp-in.l.google.com. A 127.0.0.1"])
            var settings = Node.Settings()
            settings.dnsPort = names.port
            settings.sender = ["port": "\(port)", "bounces": Self.rules]
            let node = try await Node.started(settings)
            let id = try SMTPClient.send(to: node.smtp, recipients: ["b@dst.test"], content: TestContent.message())
            let failed = try #require(try await node.events(of: id, until: "failed").last)
            #expect(failed.remote?.host == "smtp-in.l.google.com")
            #expect(failed.reply?.enhanced == "5.2.1")
            #expect((failed.class, failed.severity) == ("quota-issues", "soft"))
            // The DSN about it fails too, for want of its domain.
            let outcomes = try await node.metrics().keys.filter { $0.hasPrefix("apus_outcomes_total{type=\"failed\"") }
            #expect(outcomes.contains { $0.contains("class=\"quota-issues\"") }, "\(outcomes)")
            #expect(!outcomes.contains { $0.contains("class=\"inactive-mailbox\"") }, "\(outcomes)")
            withExtendedLifetime(names) {}
        }

        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("smtp-sink"), "needs Postfix"))
        func theQueueShowsClassAndRetry() async throws {
            let port = try LoopbackPort.free()
            let text = "450 4.2.0 <b@dst.test>: Recipient address rejected: Greylisted, see http://postgrey.test"
            let sink = try await Self.sink(port, ["-r", "rcpt", "-b", text])
            defer { sink.killNow() }
            var settings = Node.Settings(routes: [("dst.test", "{relay: \"127.0.0.1:\(port)\"}")])
            settings.sender = ["bounces": Self.rules, "retry": "{default: {first: 1h, max: 1h}}"]
            let node = try await Node.started(settings)
            let id = try SMTPClient.send(to: node.smtp, recipients: ["b@dst.test"], content: TestContent.message())
            let deferred = try #require(try await node.events(of: id, until: "deferred").last)
            #expect((deferred.class, deferred.severity) == ("policy-related", "soft"))
            let listed = try await node.queue("&class=policy-related")
            let recipient = try #require(listed.first?.recipients.first)
            #expect((recipient.class, recipient.severity) == ("policy-related", "soft"))
            #expect(recipient.errorClass == "greylisting")
            #expect(try await node.queue("&class=bad-mailbox").isEmpty)
            #expect(try await node.get("/admin/v1/queue?class=bad").status == 400)

            // The entry holds them: they are there after a restart, and without a node.
            try await node.stop()
            let arguments = ["queue", "list", "--config", node.configuration, "--class", "policy-related"]
            let offline = try await Apus.run(arguments)
            #expect(offline.output.contains { $0.contains("Greylisted") && $0.contains("(policy-related)") })
            let shown = try await Apus.run(["queue", "show", id, "--config", node.configuration])
            #expect(
                shown.output.contains { $0.contains("policy-related, soft; retried as greylisting") }, "\(shown.output)"
            )
        }

        /// `^(a+)+$` would take years on this reply. It is no match, counted each time and logged once.
        @Test(.timeLimit(.minutes(10))) func aPatternWithoutBoundStopsNothing() async throws {
            let peer = try Peer { command, _ in
                command.hasPrefix("RCPT") ? "550 " + String(repeating: "a", count: 400) + "!" : nil
            }
            let directory = try ScratchDirectory("apus-scenario-rules")
            try directory.write(
                """
                rules:
                  - {pattern: '^(a+)+$', class: bad-mailbox}
                  - {pattern: 'aa!', class: content-related}

                """, to: "rules.yaml")
            var settings = Node.Settings(routes: [("dst.test", "{relay: \"127.0.0.1:\(peer.port)\"}")])
            settings.sender = ["bounces": directory.file("rules.yaml")]
            let node = try await Node.started(settings)
            for _ in 0..<3 {
                let id = try SMTPClient.send(to: node.smtp, recipients: ["b@dst.test"], content: TestContent.message())
                let failed = try #require(try await node.events(of: id, until: "failed").last)
                #expect((failed.class, failed.severity) == ("content-related", "soft"))
            }
            #expect(try await node.metric("apus_pattern_limits_total") == 3)
            #expect(node.log.filter { $0.contains("backtracks too much") && $0.contains("rules.yaml:2") }.count == 1)
        }
    }
}
