import DeliveryPolicy
import MailModel
import MailTestKit
import NodeRuntime
import Sender
import Spool
import Synchronization
import Testing

/// What has no room in memory waits in the schedule, and comes back from the log.
@Suite struct ParkingTests {
    private static func narrow(_ port: Int) throws -> NodeConfiguration {
        try Fixture.configuration(routes: Fixture.relay(port)) {
            $0.ready.messages = 5
            $0.lane.connections = 1
            $0.drainTime = .milliseconds(50)
        }
    }

    private static let slow: ScriptedPeer.Script = { step in
        if case .dot = step { .held("250 2.0.0 taken") } else { .reply(ScriptedPeer.agreement(to: step)) }
    }

    /// Starts a node whose one lane has 30 messages and room for 5.
    private static func crowded(
        _ rules: SpoolProxy.Rules = .init()
    ) async throws -> (Fixture, ScriptedPeer, SenderNode, [MessageRecord]) {
        let fixture = try await Fixture(partitions: 1)
        let peer = try await ScriptedPeer(slow)
        let node = try await fixture.start(try narrow(peer.port), rules)
        let messages = try (0..<30).map { try Fixture.message(to: ["r\($0)@slow.test"]) }
        try await fixture.spool.put(messages)
        try await wait(until: "what has no room is parked") {
            try await fixture.spool.liveEntries().count == 25 && peer.heldAnswers == 1
        }
        return (fixture, peer, node, messages)
    }

    @Test func whatDoesNotFitIsParkedAndComesBackInOrder() async throws {
        let (fixture, peer, node, messages) = try await Self.crowded()
        let entries = try await fixture.spool.liveEntries()
        let first = Set(messages.prefix(5).map { "\($0.queueID)/0" })
        #expect(first.isDisjoint(with: entries.keys))
        #expect(entries.values.allSatisfy { $0.state == .parked && $0.reason?.contains("127.0.0.1") == true })
        #expect(entries.values.allSatisfy { $0.recipients.map(\.attempts) == [0] })
        #expect(await node.differences() == [0])
        peer.release()
        try await wait(until: "all are delivered") { try await node.isQuiet() }
        let order = Dictionary(uniqueKeysWithValues: messages.enumerated().map { ("\($1.queueID)", $0) })
        let places = peer.taken.compactMap { order[$0.queueID] }
        #expect(places.count == 30 && Set(places).count == 30)
        #expect(places.enumerated().allSatisfy { abs($0 - $1) <= 6 }, "\(places)")
        #expect(try await fixture.events.all("delivered").allSatisfy { $0.attempt == 1 })
        try await node.stop()
        await fixture.close()
    }

    @Test func aSlowDestinationDoesNotDelayItsNeighbour() async throws {
        let (fixture, peer, node, _) = try await Self.crowded()
        try await fixture.spool.put([try Fixture.message(to: ["quick@quick.test"])])
        try await wait(until: "the neighbour waits in the same lane") {
            try await fixture.spool.liveEntries().count == 26
        }
        #expect(peer.taken.isEmpty)
        try await node.stop()

        let quick = try await ScriptedPeer()
        let routes = "quick.test: {relay: 127.0.0.1:\(quick.port)}\n" + Fixture.relay(peer.port)
        let next = try await fixture.start(
            try Fixture.configuration(routes: routes) {
                $0.ready.messages = 5
                $0.lane.connections = 1
            })
        try await wait(until: "it has a lane of its own") { quick.taken.count == 1 }
        #expect(peer.taken.isEmpty)
        peer.release()
        try await wait(until: "all are delivered") { try await next.isQuiet() }
        try await next.stop()
        await fixture.close()
    }

    /// Its mail stays in the log, and the other partition's is delivered.
    @Test func aPartitionThatHoldsWhatItMayIsReadOnLater() async throws {
        let fixture = try await Fixture(partitions: 2)
        let (peer, quick) = (try await ScriptedPeer(Self.slow), try await ScriptedPeer())
        let slowPartition = Partitioner.partition(of: "slow.test", count: 2)
        let neighbour = try #require(
            (0..<50).map { "quick\($0).test" }.first { Partitioner.partition(of: $0, count: 2) != slowPartition })
        let routes = "\(neighbour): {relay: 127.0.0.1:\(quick.port)}\n" + Fixture.relay(peer.port)
        let configuration = try Fixture.configuration(routes: routes) {
            $0.ready.messages = 5
            $0.lane.connections = 1
            $0.maxQueued = 40
            $0.drainTime = .milliseconds(50)
        }
        let first = try await fixture.start(configuration)
        let messages = try (0..<60).map { try Fixture.message(to: ["r\($0)@slow.test"]) }
        try await fixture.spool.put(Array(messages[..<30]))
        try await wait(until: "25 are parked") { try await fixture.spool.liveEntries().count == 25 }
        try await fixture.spool.put(Array(messages[30...]))
        try await fixture.spool.put([try Fixture.message(to: ["quick@\(neighbour)"])])
        try await wait(until: "the neighbour has its mail") { quick.taken.count == 1 }
        #expect(await first.service.lag()[slowPartition] == 30)
        #expect(try await fixture.spool.liveEntries().count == 25)
        try await first.stop()

        let second = try await fixture.start(configuration)
        try await wait(until: "it is full again") { await second.service.books().map(\.queued).max() == 30 }
        #expect(await second.service.lag()[slowPartition] == 30)
        peer.release()
        try await wait(until: "all are delivered") { try await second.isQuiet() }
        #expect(Set(peer.taken.map(\.queueID)).count == 60)
        #expect(await second.differences() == [0, 0])
        try await second.stop()
        await fixture.close()
    }

    /// It does not wait for the lane it was parked for.
    @Test func parkedMailThatIsReroutedGoesAtOnce() async throws {
        let (fixture, peer, node, messages) = try await Self.crowded()
        let other = try await ScriptedPeer()
        var selector = QueueSelector()
        selector.queueID = messages[20].queueID
        let answer = try await QueueCommands(spool: fixture.spool).issue(
            .reroute, selector, actor: "ann", reason: nil, change: { $0.relay = "127.0.0.1:\(other.port)" },
            wait: patience)
        #expect(answer.answers.map(\.matched) == [1])
        try await wait(until: "it is delivered by the other host") { other.taken.count == 1 }
        #expect(peer.taken.isEmpty && peer.heldAnswers == 1)
        peer.release()
        try await wait(until: "all are delivered") { try await node.isQuiet() }
        #expect(peer.taken.count == 29)
        try await node.stop()
        await fixture.close()
    }

    @Test func aScheduleRecordThatIsGoneLosesNothing() async throws {
        let isGone = Mutex(true)
        var rules = SpoolProxy.Rules()
        rules.onRead = { topic, _, record in topic == .schedule && isGone.withLock { $0 } ? nil : record }
        let (fixture, peer, node, messages) = try await Self.crowded(rules)
        peer.release()
        try await wait(until: "the others are delivered") { peer.taken.count == 5 }
        #expect(await node.service.books().map(\.queued) == [25])
        try await node.stop()
        isGone.withLock { $0 = false }
        let next = try await fixture.start(try Self.narrow(peer.port))
        try await wait(until: "all are delivered") { try await next.isQuiet() }
        #expect(Set(peer.taken.map(\.queueID)) == Set(messages.map { "\($0.queueID)" }))
        try await next.stop()
        await fixture.close()
    }

    @Test func aRecordThatIsAnotherMessageFailsLoudly() async throws {
        let victims = Mutex<(gone: Int64, other: Int64)>((20, 21))
        var rules = SpoolProxy.Rules()
        rules.onRead = { topic, position, record in
            guard topic == .mail else { return record }
            let (gone, other) = victims.withLock { $0 }
            if position.offset == gone { return nil }
            guard position.offset == other, let record else { return record }
            do {
                return try Self.forged(record)
            } catch {
                return nil
            }
        }
        let (fixture, peer, node, messages) = try await Self.crowded(rules)
        peer.release()
        try await wait(until: "all have ended") { try await node.isQuiet() }
        let failed = try await fixture.events.all("failed")
        #expect(Set(failed.map(\.queueID)) == Set(messages[20...21].map { "\($0.queueID)" }))
        #expect(failed.first { $0.queueID == "\(messages[20].queueID)" }?.reason == "the record is gone")
        let reason = failed.first { $0.queueID == "\(messages[21].queueID)" }?.reason
        #expect(reason?.hasPrefix("the record holds another message") == true)
        #expect(peer.taken.count == 28)
        #expect(await node.differences() == [0])
        try await node.stop()
        await fixture.close()
    }

    private static func forged(_ record: StoredRecord) throws -> StoredRecord {
        var other = record
        other.envelope = SpoolRecord(try Fixture.message(to: ["x@slow.test"])).envelope
        return other
    }
}
