import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// One slow destination never delays another, though all lie in one partition (DESIGN §1).
    @Suite struct NeighbourTests {
        private static let count = 1000

        /// - Returns: Time from the first healthy message in to the last one out, with or without bad neighbours.
        private func run(withNeighbours: Bool) async throws -> Duration {
            // The slow one answers no message while the test lasts: whoever waits for it waits in vain.
            let (healthy, slow) = (try Peer(), try Peer(delay: .seconds(900)))
            let dead = try LoopbackPort.free()
            var settings = Node.Settings(routes: [
                ("ok.test", "{relay: \"127.0.0.1:\(healthy.port)\"}"),
                ("slow.test", "{relay: \"127.0.0.1:\(slow.port)\"}"),
                ("dead.test", "{relay: \"127.0.0.1:\(dead)\"}"),
            ])
            settings.partitions = 1
            // A small ready queue, so that the neighbours overflow it and are parked.
            settings.sender["ready"] = "{messages: 100}"
            settings.sender["retry"] = "{default: {first: 5m, factor: 1, max: 5m, jitter: 0%}}"
            settings.sender["dead_host"] = "{first: 1h, max: 1h}"
            settings.sender["timeouts"] = "{acknowledgement: 1h}"
            let node = try await Node.started(settings)
            if withNeighbours {
                let bad = Load(to: node.smtp, connections: 8, limit: 2 * Self.count) {
                    $0 % 2 == 0 ? "b@slow.test" : "b@dead.test"
                }
                try await bad.finish()
                #expect(bad.accepted.count == 2 * Self.count)
            }
            let clock = ContinuousClock()
            let begin = clock.now
            let load = Load(to: node.smtp, connections: 8, limit: Self.count) { _ in "b@ok.test" }
            try await load.finish()
            try await healthy.waitFor(Self.count)
            let time = clock.now - begin
            if withNeighbours {
                #expect(slow.transactions.isEmpty, "the slow one was meant to have a backlog")
                try await explain(node)
            }
            return time
        }

        /// What is held back is all there, and says what holds it.
        private func explain(_ node: Node) async throws {
            for domain in ["slow.test", "dead.test"] {
                let items = try await node.queue("&domain=\(domain)")
                #expect(items.count > Self.count / 2)
                #expect(items.contains { $0.state == "parked" || $0.state == "scheduled" })
                for item in [items.first, items.last].compactMap({ $0 }) {
                    // It may have been delivered in between.
                    guard let answers = try await node.why(item.queueId) else { continue }
                    #expect(answers.count == 1)
                    #expect(answers.allSatisfy { !$0.gate.isEmpty && !$0.value.isEmpty })
                    print("why, \(domain): \(answers.map { "\($0.state): \($0.gate): \($0.value)" })")
                }
            }
        }

        @Test(.timeLimit(.minutes(10))) func healthyMailFlowsPastSlowAndDead() async throws {
            let alone = try await run(withNeighbours: false)
            let beside = try await run(withNeighbours: true)
            // Measured, not judged: other processes on the machine may have begun or ended between the two.
            print("\(Self.count) messages alone in \(alone), beside slow and dead neighbours in \(beside)")
        }

        private func node(_ healthy: Peer, _ silent: SilentListener, greeting: String) async throws -> Node {
            var settings = Node.Settings(routes: [
                ("ok.test", "{relay: \"127.0.0.1:\(healthy.port)\"}"),
                ("silent.test", "{relay: \"127.0.0.1:\(silent.port)\"}"),
            ])
            settings.partitions = 1
            settings.sender["timeouts"] = "{greeting: \(greeting)}"
            return try await Node.started(settings)
        }

        /// A peer that accepts connections and never says a word holds its own mail only.
        @Test(.timeLimit(.minutes(10))) func aSilentPeer() async throws {
            let (healthy, silent) = (try Peer(), try SilentListener())
            let node = try await node(healthy, silent, greeting: "10m")
            let stuck = try SMTPClient.send(
                to: node.smtp, recipients: ["b@silent.test"], content: TestContent.message())
            for _ in 0..<20 {
                _ = try SMTPClient.send(to: node.smtp, recipients: ["b@ok.test"], content: TestContent.message())
            }
            try await healthy.waitFor(20)
            #expect(try await node.events(of: stuck, until: "accepted").map(\.type) == ["accepted"])
        }

        @Test(.timeLimit(.minutes(10))) func aSilentPeerIsGivenUp() async throws {
            let (healthy, silent) = (try Peer(), try SilentListener())
            let node = try await node(healthy, silent, greeting: "1s")
            let stuck = try SMTPClient.send(
                to: node.smtp, recipients: ["b@silent.test"], content: TestContent.message())
            let events = try await node.events(of: stuck, until: "deferred")
            #expect(events.last?.class == "no-answer-from-host", "\(String(describing: events.last?.class))")
        }
    }
}

/// Accepts connections in the kernel's queue and never answers.
private final class SilentListener {
    let port: Int
    private let descriptor: Int32

    init() throws {
        port = try LoopbackPort.free()
        descriptor = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let (port, descriptor) = (port, descriptor)
        guard LoopbackAddress.with("127.0.0.1", port, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 100) == 0
        else { throw TestKitError("listen: errno \(errno)") }
    }

    deinit { close(descriptor) }
}
