import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// What is lost and repeated between `apus bench` and a sink.
    @Suite struct BenchDeliveryTests {
        @Test(.timeLimit(.minutes(10))) func throughANode() async throws {
            let port = try LoopbackPort.free()
            let relay = "{relay: \"127.0.0.1:\(port)\"}"
            let node = try await Node.started(.init(routes: [("a.test", relay), ("b.test", relay)]))
            let done = try await Bench.run(
                node.smtp,
                [
                    "--messages", "300", "--connections", "5", "--recipients", "3", "--domains", "a.test:2,b.test:1",
                    "--tenants", "3", "--sink", "127.0.0.1:\(port)",
                ])
            #expect(done.exit == .code(0))
            #expect(done.report.recipients["accepted"] == 900)
            let delivery = try #require(done.report.delivery)
            #expect(delivery.unique == 900 && delivery.received == 900)
            #expect(delivery.lost == 0 && delivery.repeated == 0 && delivery.unexpected == 0)
            try await node.waitUntilEmpty()
        }

        /// A route that throws away loses exactly its own recipients. Which these are, the seed says: the same run
        /// straight into a sink shows them.
        @Test(.timeLimit(.minutes(10))) func lost() async throws {
            let files = try ScratchDirectory()
            let plain = try await ApusSink.started([], in: files)
            let what = [
                "--messages", "200", "--connections", "5", "--recipients", "2", "--domains", "a.test:9,void.test:1",
                "--seed", "42",
            ]
            #expect(try await Bench.run(plain.port, what).exit == .code(0))
            let expected = try await plain.stop().flatMap(\.recipients).count { $0.hasSuffix("@void.test") }
            #expect(expected > 10)
            let port = try LoopbackPort.free()
            let node = try await Node.started(
                .init(routes: [("a.test", "{relay: \"127.0.0.1:\(port)\"}"), ("void.test", "{discard: true}")]))
            let done = try await Bench.run(node.smtp, what + ["--sink", "127.0.0.1:\(port)", "--sink-wait", "5s"])
            #expect(done.exit == .code(1))
            #expect(done.report.messages.accepted == 200)
            let delivery = try #require(done.report.delivery)
            #expect(delivery.lost == expected)
            #expect(delivery.unique == 400 - expected && delivery.repeated == 0)
        }

        /// What the sink refused is neither lost nor received; a run sent again is repeated.
        @Test(.timeLimit(.minutes(10))) func refusedAndRepeated() async throws {
            let (port, files) = (try LoopbackPort.free(), try ScratchDirectory())
            let refusing = try Apus.start(
                ["sink", "127.0.0.1:\(port)", "--json", "--permanent-failures", "30%", "--fail-at", "data"],
                environment: ["TMPDIR": files.path])
            try await wait(until: "the sink listens") { LoopbackPort.isListening(port) }
            let once = try await Bench.run(port, ["--messages", "200", "--run", "ONCE"])
            #expect(once.exit == .code(1))
            let (accepted, refused) = (once.report.messages.accepted, once.report.messages.refused)
            #expect(accepted + refused == 200 && accepted > 0 && refused > 0)
            #expect(once.report.errors?.first?.error == "content 550" && once.report.errors?.first?.count == refused)
            var twice = 0
            for _ in 0..<2 {
                twice += try await Bench.run(port, ["--messages", "100", "--run", "TWICE"]).report.messages.accepted
            }
            refusing.terminate()
            #expect(try await refusing.waitForExit() == .code(0))
            try await refusing.readToEnd()
            let line = try #require(refusing.output.last)
            let totals = try JSONLine.decode(SinkRuns.self, line)
            let first = try #require(totals.runs?.first { $0.run == "ONCE" })
            #expect(first.received == accepted && first.unique == accepted && first.repeated == 0)
            #expect(first.missing == first.highestNumber + 1 - accepted)
            #expect(first.latencyUs.count == accepted)
            let second = try #require(totals.runs?.first { $0.run == "TWICE" })
            #expect(second.received == twice)
            #expect(second.repeated == twice - second.unique && second.repeated > 0)
            #expect(second.unique + second.missing == second.highestNumber + 1)
        }
    }
}
