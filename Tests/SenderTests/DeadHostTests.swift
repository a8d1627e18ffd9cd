import DeliveryPolicy
import MailModel
import MailTestKit
import NodeRuntime
import Sender
import Spool
import Testing

/// Hosts that do not answer: the next one is used, and when there is none, one message at a time finds out.
@Suite struct DeadHostTests {
    @Test func theNextHostIsUsed() async throws {
        let fixture = try await Fixture()
        let dead = try LoopbackPort.free()
        let peer = try await ScriptedPeer()
        let node = try await fixture.start(try Fixture.configuration(routes: Fixture.relay(dead, peer.port)))
        try await fixture.spool.put(try (0..<10).map { try Fixture.message(to: ["r\($0)@a.test"]) })
        try await wait(until: "all have ended") { try await node.isQuiet() }
        #expect(peer.taken.count == 10)
        let events = try await fixture.events.all()
        #expect(!events.contains { $0.type == "deferred" || $0.type == "failed" })
        #expect(events.filter { $0.type == "delivered" }.allSatisfy { $0.attempt == 1 })
        try await node.stop()
        await fixture.close()
    }

    @Test func oneMessageProbesAndTheOthersWaitUntried() async throws {
        let fixture = try await Fixture(partitions: 1)
        let port = try LoopbackPort.free()
        let configuration = try Fixture.configuration(routes: Fixture.relay(port), retry: .seconds(600)) {
            $0.deadHost.first = .seconds(600)
            $0.deadHost.max = .seconds(600)
        }
        let node = try await fixture.start(configuration)
        try await fixture.spool.put(try (0..<10).map { try Fixture.message(to: ["r\($0)@a.test"]) })
        try await wait(until: "all wait") { try await fixture.spool.liveEntries().count == 10 }
        let waiting = try await fixture.spool.liveEntries().values
        #expect(waiting.count { $0.recipients.first?.attempts == 1 } == 1)
        #expect(waiting.count { $0.recipients.first?.attempts == 0 && $0.state == .parked } == 9)
        #expect(try await fixture.events.count("deferred") == 1)
        #expect(await node.differences() == [0])

        // The back-off is long: only the operator knows that the host is back.
        let peer = try await ScriptedPeer(port: port)
        let answer = try await QueueCommands(spool: fixture.spool).issue(
            .retry, QueueSelector(), actor: "ann", reason: nil, wait: patience)
        #expect(answer.answers.map(\.matched) == [10])
        try await wait(until: "all have ended") { try await node.isQuiet() }
        #expect(peer.taken.count == 10)
        let delivered = try await fixture.events.all("delivered")
        #expect(delivered.count { $0.attempt == 1 } == 9 && delivered.count { $0.attempt == 2 } == 1)
        #expect(try await fixture.events.count("deferred") == 1)
        try await node.stop()
        await fixture.close()
    }

    @Test func aProbeThatFailsLeavesTheOthersUntried() async throws {
        let fixture = try await Fixture(partitions: 1)
        let port = try LoopbackPort.free()
        let clock = ContinuousClock()
        let began = clock.now
        let node = try await fixture.start(
            try Fixture.configuration(routes: Fixture.relay(port)) {
                $0.deadHost.first = .milliseconds(100)
                $0.deadHost.max = .milliseconds(100)
            })
        try await fixture.spool.put(try (0..<10).map { try Fixture.message(to: ["r\($0)@a.test"]) })
        try await wait(until: "some probes") { try await fixture.events.count("deferred") >= 5 }
        let tried = try await fixture.spool.liveEntries().values.reduce(0) { $0 + ($1.recipients.first?.attempts ?? 0) }
        let events = try await fixture.events.count("deferred")
        // A probe a back-off, however long the test took: far fewer than the attempts of ten messages.
        let backOffs = Int((clock.now - began) / .milliseconds(50))
        #expect(events >= tried && events <= backOffs + 2, "\(events) in \(backOffs) half back-offs")
        let peer = try await ScriptedPeer(port: port)
        try await wait(until: "all have ended") { try await node.isQuiet() }
        #expect(peer.taken.count == 10 && Set(peer.taken.map(\.queueID)).count == 10)
        #expect(await node.differences() == [0])
        try await node.stop()
        await fixture.close()
    }
}
