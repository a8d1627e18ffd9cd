import Foundation
import MailTestKit
import Testing

/// A line of `apus trace --session --json`.
private struct Line: Decodable {
    var type: String
    var session, ms, octets, port, reusedAfter, lines: Int?
    var text, site, source, host, queueId, version, cipher: String?
    var verified: Bool?
}

extension Scenarios {
    /// The dialogue of attempts while they happen, as `apus trace --session` shows it.
    @Suite struct SessionTraceTests {
        private static let hostile = "250 2.1.5 fine \u{1B}]0;owned\u{7}\u{1B}[31m\u{9B}5n"

        private func watch(_ node: Node, _ arguments: String...) async throws -> ChildProcess {
            let child = try Apus.start(["trace", "--session", "--config", node.configuration] + arguments)
            try await child.line(containing: "watching")
            return child
        }

        private func lines(_ child: ChildProcess) async throws -> [Line] {
            let exit = try await child.waitForExit()
            guard exit == .code(0) else { throw TestKitError("\(exit): \(child.output) \(child.errors)") }
            return try JSONLines.decode(Line.self, child.output)
        }

        private func send(_ node: Node, to recipients: [String] = ["b@dst.test"]) throws -> String {
            try SMTPClient.send(to: node.smtp, recipients: recipients, content: TestContent.message(body: "hello\r\n"))
        }

        @Test(.timeLimit(.minutes(10))) func aHostileReplyIsShownAndHarmless() async throws {
            let peer = try Peer { command, _ in command.hasPrefix("RCPT") ? Self.hostile : nil }
            let node = try await Node.started(.init(routes: [("dst.test", "{relay: \"127.0.0.1:\(peer.port)\"}")]))
            let (text, json) = (
                try await watch(node, "--domain", "dst.test"), try await watch(node, "--domain", "dst.test", "--json")
            )
            let id = try send(node)
            let shown = try await lines(json)
            #expect(try await text.waitForExit() == .code(0))
            let told = text.output.joined(separator: "\n")
            for line in told.unicodeScalars + json.output.joined().unicodeScalars where line != "\n" {
                #expect(line.value >= 0x20 && !(0x7F..<0xA0).contains(line.value))
            }
            #expect(told.contains("< 250 2.1.5 fine \\x1B]0;owned\\x07\\x1B[31m\\x9B5n"))
            #expect(told.contains("> MAIL FROM:<a@src.test>"))
            let dialogue = shown.compactMap { line -> String? in
                switch line.type {
                case "sent": "C: \(line.text ?? "")"
                case "received": "S: \(line.text?.prefix(3) ?? "")"
                case "content": "C: content"
                case "session", "attempt": line.type
                default: nil
                }
            }
            #expect(dialogue.prefix(4) == ["session", "S: 220", "C: EHLO mx.apus.test", "S: 250"])
            #expect(dialogue.contains("attempt") && dialogue.contains("C: RCPT TO:<b@dst.test>"))
            #expect(dialogue.suffix(2) == ["C: content", "S: 250"])
            let content = try #require(shown.first { $0.type == "content" })
            #expect(content.text == "… \(content.octets ?? 0) octets of content" && content.octets ?? 0 > 100)
            #expect(shown.first { $0.type == "attempt" }?.queueId == id)
            #expect(shown.first { $0.type == "session" }?.port == peer.port)
            let times = shown.compactMap(\.ms)
            #expect(times == times.sorted() && times.count == shown.count - 2)
            #expect(!json.output.joined().contains("hello"), "the content is not shown")
        }

        /// A connection that was open before anybody watched.
        @Test(.timeLimit(.minutes(10))) func aReusedConnection() async throws {
            let peer = try Peer()
            let node = try await Node.started(.init(routes: [("dst.test", "{relay: \"127.0.0.1:\(peer.port)\"}")]))
            _ = try await node.events(of: try send(node), until: "delivered")
            let child = try await watch(node, "--source", "unbound", "--count", "2", "--json")
            for _ in 0..<2 { _ = try await node.events(of: try send(node), until: "delivered") }
            let shown = try await lines(child)
            #expect(shown.count { $0.type == "attempt" } == 2)
            #expect(shown.first { $0.type == "session" }?.reusedAfter == 1)
            #expect(shown.first { $0.type == "sent" }?.text?.hasPrefix("MAIL FROM:") == true)
            #expect(peer.connections == 1)
        }

        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("openssl"), "needs openssl"))
        func whatTLSWasNegotiated() async throws {
            let own = try await Certificate(for: "localhost")
            let sink = try await AioSink.started(certificate: (own.certificate, own.key))
            var settings = Node.Settings(routes: [("dst.test", "{relay: \"127.0.0.1:\(sink.port)\"}")])
            settings.sender["tls"] = "opportunistic"
            let node = try await Node.started(settings)
            let child = try await watch(node, "--domain", "dst.test", "--json")
            _ = try send(node)
            let shown = try await lines(child)
            let tls = try #require(shown.first { $0.type == "tls" })
            #expect(tls.version?.hasPrefix("TLSv1.") == true && tls.cipher?.isEmpty == false)
            #expect(tls.verified == false)
            let sent = shown.filter { $0.type == "sent" }.map { $0.text?.prefix(8) ?? "" }
            #expect(sent.prefix(3) == ["EHLO mx.", "STARTTLS", "EHLO mx."])
            try await sink.stop()
        }

        /// A message that waits is watched, and tried on command; nobody is there.
        @Test(.timeLimit(.minutes(10))) func aConnectionThatFails() async throws {
            let port = try LoopbackPort.free()
            var settings = Node.Settings(routes: [("dst.test", "{relay: \"127.0.0.1:\(port)\"}")])
            settings.sender["retry"] = "{default: {first: 10m, factor: 1, max: 10m, jitter: 0%}}"
            let node = try await Node.started(settings)
            let id = try send(node)
            _ = try await node.events(of: id, until: "deferred")
            let child = try await watch(node, "--id", id)
            let retry = try await Apus.run(["queue", "retry", id, "--config", node.configuration])
            #expect(retry.exit == .code(0), "\(retry.errors)")
            #expect(try await child.waitForExit() == .code(0))
            #expect(child.output.contains { $0.contains("closed: connect: cannot connect") }, "\(child.output)")
        }

        @Test(.timeLimit(.minutes(10))) func whoMayWatchAndHowMany() async throws {
            let node = try await Node.started(.init())
            // Addresses are shown: a read over TCP that anybody on the host may do is not enough.
            let plain = try await Apus.run([
                "trace", "--session", "--domain", "dst.test", "--node", "http://127.0.0.1:\(node.http)",
            ])
            #expect(plain.exit == .code(77), "\(plain.errors)")
            #expect(try await node.get("/admin/v1/sessions?domain=dst.test").status == 403)
            var watchers: [ChildProcess] = []
            for _ in 0..<4 { watchers.append(try await watch(node, "--domain", "dst.test")) }
            let arguments = ["trace", "--session", "--domain", "dst.test", "--config", node.configuration]
            let fifth = try await Apus.run(arguments)
            #expect(fifth.exit == .code(75) && fifth.errors.joined().contains("4"), "\(fifth.errors)")
            // One who goes away makes room.
            watchers.removeLast().killNow()
            try await wait(until: "there is room again") {
                let next = try Apus.start(arguments)
                watchers.append(next)
                try await wait(until: "it is told") { !next.isRunning || !next.output.isEmpty }
                return next.isRunning
            }
            #expect(try await node.stop() == .code(0))
            for watcher in watchers.prefix(3) {
                #expect(try await watcher.waitForExit() == .code(1), "nothing was seen")
                #expect(watcher.output.last == "* the sender is stopping")
            }
            for bad in [["--session"], ["--session", "--domain", "a b"], ["--count", "3"], []] {
                #expect(try await Apus.run(["trace"] + bad).exit == .code(64), "\(bad)")
            }
        }

        /// A reader that stands still loses lines and is told how many; the mail does not wait for it.
        @Test(.timeLimit(.minutes(10))) func aSlowReaderLosesLines() async throws {
            let peer = try Peer()
            let node = try await Node.started(.init(routes: [("dst.test", "{relay: \"127.0.0.1:\(peer.port)\"}")]))
            let child = try await watch(node, "--domain", "dst.test", "--count", "1000", "--json")
            child.signal(SIGSTOP)
            let load = Load(to: node.smtp, connections: 4, limit: 1000, size: 80) { _ in "b@dst.test" }
            try await load.finish()
            try await node.waitUntilEmpty()
            #expect(peer.transactions.count == 1000)
            child.signal(SIGCONT)
            let shown = try await lines(child)
            let lost = shown.compactMap { $0.type == "lost" ? $0.lines : nil }.reduce(0, +)
            #expect(lost > 1000, "\(lost) of \(shown.count)")
            #expect(shown.last?.type == "end")
        }
    }
}
