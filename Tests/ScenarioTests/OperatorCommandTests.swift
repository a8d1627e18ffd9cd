import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// What operators type, with the node running and with it stopped.
    @Suite struct OperatorCommandTests {
        private let peer: Peer
        private let origin: Peer
        private let node: Node

        /// The destination defers all mail until a test lets it in.
        init() async throws {
            peer = try Peer { command, _ in command.hasPrefix("RCPT TO:<later") ? "451 4.2.2 mailbox full" : nil }
            origin = try Peer()
            var settings = Node.Settings(routes: [
                ("dst.test", "{relay: \"127.0.0.1:\(peer.port)\"}"),
                ("other.test", "{relay: \"127.0.0.1:\(peer.port)\"}"),
                ("src.test", "{relay: \"127.0.0.1:\(origin.port)\"}"),
            ])
            settings.sender["retry"] = "{default: {first: 10m, factor: 1, max: 10m, jitter: 0%}, quota: {first: 10m}}"
            node = try await Node.started(settings)
        }

        private func deferred(_ recipient: String = "later@dst.test") async throws -> String {
            let id = try SMTPClient.send(to: node.smtp, recipients: [recipient], content: TestContent.message())
            _ = try await node.events(of: id, until: "deferred")
            return id
        }

        private func apus(_ arguments: String...) async throws -> (code: Int32, output: [String], errors: String) {
            let (exit, output, errors) = try await Apus.run(arguments + ["--config", node.configuration])
            guard case .code(let code) = exit else { throw TestKitError("\(arguments) died: \(exit)") }
            return (code, output, errors.joined(separator: "\n"))
        }

        @Test(.timeLimit(.minutes(10))) func listAndShow() async throws {
            let (first, second) = (try await deferred(), try await deferred("later@other.test"))
            let all = try await apus("queue", "list", "--json")
            #expect(all.code == 0, "\(all.errors)")
            let items = try JSONLines.decode(QueueItem.self, all.output)
            #expect(items.map(\.queueId) == [first, second])
            #expect(items.allSatisfy { $0.state == "scheduled" })
            #expect(all.errors.isEmpty)
            let page = try await apus("queue", "list", "--json", "--limit", "1")
            #expect(try JSONLines.decode(QueueItem.self, page.output).map(\.queueId) == [first])
            #expect(page.errors.contains("--after \(first)/0"), "\(page.errors)")
            let filtered = try await apus("queue", "list", "--json", "--domain", "other.test")
            #expect(try JSONLines.decode(QueueItem.self, filtered.output).map(\.queueId) == [second])
            let text = try await apus("queue", "list")
            #expect(text.output.contains { $0.contains(first) && $0.contains("later@dst.test") })
            let shown = try await apus("queue", "show", first)
            #expect(shown.code == 0)
            #expect(shown.output.contains { $0.contains("451 4.2.2 mailbox full") })
            let json = try JSONLines.decode(QueueItem.self, try await apus("queue", "show", first, "--json").output)
            #expect(json.first?.recipients.first?.attempt == 1)
        }

        @Test(.timeLimit(.minutes(10))) func traceAndWhy() async throws {
            let id = try await deferred()
            let trace = try await apus("trace", id, "--json")
            #expect(trace.code == 0)
            #expect(try JSONLines.decode(Event.self, trace.output).map(\.type) == ["accepted", "deferred"])
            let told = try await apus("trace", id)
            #expect(told.output.count == 2)
            #expect(told.output.last?.contains("mailbox full") == true)
            let why = try JSONLines.decode(WhyAnswer.self, try await apus("why", id, "--json").output)
            #expect(why.count == 1)
            #expect(why.first?.state == "scheduled")
            #expect(why.first?.gate == "retry")
            #expect(why.first?.value.contains("mailbox full") == true)
            #expect(why.first?.until?.hasSuffix("Z") == true)
            #expect(try await apus("why", id).output.joined().contains("mailbox full"))
        }

        @Test(.timeLimit(.minutes(10))) func holdRerouteRelease() async throws {
            let id = try await deferred()
            let hold = try await apus("queue", "hold", id, "--reason", "looked into")
            #expect(hold.code == 0, "\(hold.errors)")
            try await wait(until: "it is held") {
                try await apus("queue", "list", "--state", "held", "--json").output.count == 1
            }
            let why = try JSONLines.decode(WhyAnswer.self, try await apus("why", id, "--json").output)
            #expect(why.first?.gate == "held")
            #expect(why.first?.value.hasSuffix(": looked into") == true)
            let retry = try await apus("queue", "retry", id)
            #expect(retry.code == 1 && retry.errors.contains("nothing in the queue matches"), "\(retry.errors)")

            let unknown = try await apus("queue", "reroute", id, "--to-pool", "none")
            #expect(unknown.code != 0 && unknown.errors.contains("to_pool: none is no pool"), "\(unknown.errors)")
            let wrong = try await apus("queue", "reroute", id, "--to-relay", "127.0.0.1:99999")
            #expect(wrong.code == 64 && wrong.errors.contains("99999"), "\(wrong.errors)")
            let reroute = try await apus("queue", "reroute", id, "--to-relay", "127.0.0.1:\(origin.port)")
            #expect(reroute.code == 0, "\(reroute.errors)")
            let release = try await apus("queue", "release", "--domain", "dst.test")
            #expect(release.code == 0, "\(release.errors)")
            let events = try await node.events(of: id, until: "delivered")
            #expect(events.last?.remote?.host == "127.0.0.1")
            #expect(try await origin.transaction().recipients.first?.hasPrefix("<later@dst.test>") == true)
        }

        @Test(.timeLimit(.minutes(10))) func retryFailDrop() async throws {
            let (again, failed, dropped) = (
                try await deferred(), try await deferred(), try await deferred("later@other.test")
            )
            let retry = try await apus("queue", "retry", again)
            #expect(retry.code == 0, "\(retry.errors)")
            let events = try await node.events(of: again, until: "deferred", count: 2)
            #expect(events.map(\.attempt) == [0, 1, 2])

            let fail = try await apus("queue", "fail", failed, "--reason", "listed in error")
            #expect(fail.code == 0, "\(fail.errors)")
            let end = try await node.events(of: failed, until: "failed")
            #expect(end.last?.reason == "listed in error")
            #expect(end.last?.actor?.isEmpty == false)
            #expect(try await origin.transaction().text.contains("listed in error"))

            let drop = try await apus("queue", "drop", "--domain", "other.test")
            #expect(drop.code == 0, "\(drop.errors)")
            #expect(try await node.events(of: dropped, until: "dropped").last?.type == "dropped")
            let left = try JSONLines.decode(QueueItem.self, try await apus("queue", "list", "--json").output)
            #expect(left.map(\.queueId) == [again])
            #expect(origin.transactions.count == 1, "a drop tells nobody")
            let books = try await node.metrics().filter { $0.key.hasPrefix("apus_conservation_difference") }
            #expect(books.values.allSatisfy { $0 == 0 })
        }

        /// Reads work on the spool itself, and a command given meanwhile is carried out by the next start.
        @Test(.timeLimit(.minutes(10))) func withTheNodeStopped() async throws {
            let (id, other) = (try await deferred(), try await deferred("later@other.test"))
            #expect(try await node.stop() == .code(0))
            let list = try await apus("queue", "list", "--json")
            #expect(list.code == 0, "\(list.errors)")
            let items = try JSONLines.decode(QueueItem.self, list.output)
            #expect(items.map(\.queueId) == [id, other])
            #expect(items.allSatisfy { $0.state == "scheduled" })
            #expect(try await apus("queue", "show", id).output.joined().contains("mailbox full"))
            let trace = try await apus("trace", id, "--json")
            #expect(try JSONLines.decode(Event.self, trace.output).map(\.type) == ["accepted", "deferred"])
            let why = try JSONLines.decode(WhyAnswer.self, try await apus("why", id, "--json").output)
            #expect(why.first?.gate.isEmpty == false)
            #expect(why.first?.until != nil)
            let drop = try await apus("queue", "drop", other)
            #expect(drop.code == 0, "\(drop.errors)")
            try await node.start()
            _ = try await node.events(of: other, until: "dropped")
            let left = try JSONLines.decode(QueueItem.self, try await apus("queue", "list", "--json").output)
            #expect(left.map(\.queueId) == [id])
        }

        @Test(.timeLimit(.minutes(10))) func exitCodes() async throws {
            let unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
            #expect(try await apus("queue", "list").code == 0)
            #expect(try await apus("queue", "show", unknown).code == 1)
            #expect(try await apus("trace", unknown).code == 1)
            #expect(try await apus("why", unknown).code == 1)
            #expect(try await apus("queue", "drop", unknown).code == 1)
            #expect(try await apus("queue", "show", "nonsense").code == 64)
            #expect(try await apus("queue", "drop").code == 64)
            #expect(try await apus("queue", "list", "--state", "unknown").code == 64)
            let lines = try await apus("queue", "fail", "--all", "--reason", "one\r\nX-Other: two")
            #expect(lines.code == 64 && lines.errors.contains("--reason"), "\(lines.errors)")
            #expect(try await Apus.run(["no-such-command"]).exit == .code(64))
            let nobody = try LoopbackPort.free()
            #expect(try await Apus.run(["queue", "list", "--node", "http://127.0.0.1:\(nobody)"]).exit == .code(69))
            // Writes need the socket or a token.
            let url = "http://127.0.0.1:\(node.http)"
            #expect(try await Apus.run(["queue", "list", "--node", url]).exit == .code(0))
            #expect(try await Apus.run(["queue", "drop", "--all", "--node", url]).exit == .code(77))
            let bad = try node.directory.write("node: n1\nsmpt: {}\n", to: "bad.yaml")
            let check = try await Apus.run(["check-config", bad])
            #expect(check.exit == .code(78))
            #expect(check.errors.joined().contains("bad.yaml:2"))
            #expect(try await Apus.run(["check-config", node.configuration]).exit == .code(0))
        }

        /// Mail beyond the ready queue of its lane is parked, and says so.
        @Test(.timeLimit(.minutes(10))) func parkedMessagesSayWhy() async throws {
            let slow = try Peer(delay: .seconds(30))
            var settings = Node.Settings(routes: [("dst.test", "{relay: \"127.0.0.1:\(slow.port)\", connections: 1}")])
            settings.sender["ready"] = "{messages: 10}"
            settings.sender["drain_time"] = "0s"
            let busy = try await Node.started(settings)
            let load = Load(to: busy.smtp, connections: 2, limit: 50) { _ in "b@dst.test" }
            try await load.finish()
            try await wait(until: "some are parked") {
                try await busy.metrics()["apus_queued_recipients{state=\"parked\"}"] ?? 0 >= 30
            }
            let list = try await Apus.run([
                "queue", "list", "--json", "--state", "parked", "--config", busy.configuration,
            ])
            let items = try JSONLines.decode(QueueItem.self, list.output)
            #expect(items.count >= 30)
            let id = try #require(items.first?.queueId)
            let why = try JSONLines.decode(
                WhyAnswer.self, try await Apus.run(["why", id, "--json", "--config", busy.configuration]).output)
            #expect(why.first?.gate == "parked")
            #expect(why.first?.value.isEmpty == false)
        }
    }
}
