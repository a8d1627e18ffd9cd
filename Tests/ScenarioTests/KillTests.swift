import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// A node that is killed at any moment loses nothing it said 250 to, and repeats little (DESIGN §1).
    @Suite struct KillTests {
        private static let bound = 200
        private static var rounds: Int { ProcessInfo.processInfo.environment["APUS_LONG"] == "1" ? 40 : 6 }

        @Test(.timeLimit(.minutes(10))) func underLoad() async throws {
            let seed = UInt64.random(in: 0...UInt64.max)
            print("seed of the moments of death: \(seed)")
            var random = SeededRandom(seed: seed)
            let (slow, fast) = (try Peer(delay: .milliseconds(200)), try Peer())
            var settings = Node.Settings(routes: [
                ("slow.test", "{relay: \"127.0.0.1:\(slow.port)\"}"),
                ("fast.test", "{relay: \"127.0.0.1:\(fast.port)\"}"),
            ])
            settings.sender["max_uncommitted"] = "\(Self.bound)"
            let node = try await Node.started(settings)
            let load = Load(to: node.smtp, connections: 8) { $0 % 40 == 0 ? "b@slow.test" : "b@fast.test" }
            var inFlight: [Int] = []
            for round in 0..<Self.rounds {
                let moment = Double.random(in: 0.2...2.5, using: &random)
                let goal = ContinuousClock.now + .seconds(moment)
                var last = 0
                try await wait(until: "the moment of death") {
                    // The last value before the end is the figure to compare with.
                    if round % 2 == 1 { last = Int(try await node.metric("apus_uncommitted_attempts")) }
                    return ContinuousClock.now >= goal
                }
                try await node.kill()
                inFlight.append(last)
                try await node.start()
            }
            // However slow the machine is, the load has to be one.
            try await wait(until: "enough was accepted") { load.accepted.count > 100 * Self.rounds }
            try await load.stop()
            try await node.waitUntilEmpty()
            let counts = slow.uniqueIDs.merging(fast.uniqueIDs) { $0 + $1 }
            let accepted = load.accepted
            let lost = accepted.filter { counts[$0] == nil }
            let repeated = counts.values.reduce(0) { $0 + $1 - 1 }
            print(
                "accepted \(accepted.count), lost \(lost.count), repeated \(repeated), in flight before deaths \(inFlight)"
            )
            #expect(lost.isEmpty, "lost: \(lost.prefix(10))")
            #expect(repeated <= Self.rounds * Self.bound)
            #expect(Set(accepted).count == accepted.count)
        }

        /// Dead in the middle of a retry: the schedule is taken over, attempts are counted on.
        @Test(.timeLimit(.minutes(10))) func scheduledMessagesSurvive() async throws {
            let peer = try Peer { command, count in command.hasPrefix("MAIL") && count < 20 ? "451 4.3.0 later" : nil }
            var settings = Node.Settings(routes: [("dst.test", "{relay: \"127.0.0.1:\(peer.port)\"}")])
            settings.sender["retry"] = "{default: {first: 2s, factor: 1, max: 2s, jitter: 0%}}"
            let node = try await Node.started(settings)
            let ids = try (0..<20).map { number in
                try SMTPClient.send(
                    to: node.smtp, recipients: ["b@dst.test"],
                    content: TestContent.message(fields: ["X-Unique-ID: id-\(number)"]))
            }
            for id in ids { _ = try await node.events(of: id, until: "deferred") }
            try await node.kill()
            try await node.start()
            try await peer.waitFor(20)
            try await node.waitUntilEmpty()
            #expect(peer.uniqueIDs.count == 20)
            for id in ids {
                let events = try await node.events(of: id, until: "delivered")
                #expect(events.count { $0.type == "accepted" } == 1)
                #expect(events.count { $0.type == "delivered" } == 1)
                #expect(events.last?.attempt == events.count { $0.type == "deferred" } + 1)
            }
        }
    }
}
