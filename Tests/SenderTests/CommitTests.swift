import DeliveryPolicy
import MailModel
import MailTestKit
import NIOCore
import NodeRuntime
import Sender
import Spool
import Synchronization
import Testing

/// What happens while outcomes cannot be committed, or not all of them fit.
@Suite struct CommitTests {
    @Test(arguments: [true, false]) func attemptsStopAtMaxUncommitted(failing: Bool) async throws {
        let fixture = try await Fixture()
        let isOpen = Mutex(false)
        var rules = SpoolProxy.Rules()
        rules.onCommit = { transaction in
            // The first positions of a partition, and what is taken in, may pass.
            let hasOutcome = transaction.records.contains { record in
                record.topic == .events
                    && !(record.value.map { "\(String(buffer: $0))".contains("\"accepted\"") } ?? false)
            }
            return !hasOutcome || isOpen.withLock { $0 } ? .pass : .fail(SpoolError(.full, "no room"))
        }
        let peak = Mutex(0)
        let watched = Mutex<SenderNode?>(nil)
        let begun = Mutex(0)
        let peer = try await ScriptedPeer { step in
            if case .rcpt = step { begun.withLock { $0 += 1 } }
            if let node = watched.withLock({ $0 }) {
                let count = node.service.gauge.count
                peak.withLock { $0 = max($0, count) }
            }
            return .reply(ScriptedPeer.agreement(to: step))
        }
        let configuration = try Fixture.configuration(routes: Fixture.relay(peer.port)) {
            $0.maxUncommitted = 10
            if !failing { $0.commitSize = 3 }
        }
        if !failing { isOpen.withLock { $0 = true } }
        let node = try await fixture.start(configuration, rules)
        watched.withLock { $0 = node }
        let messages = try (0..<40).map { number in
            try Fixture.message(to: (0...number % 3).map { "r\(number)-\($0)@d\(number % 4).test" })
        }
        let recipients = messages.reduce(0) { $0 + $1.envelope.recipients.count }
        try await fixture.spool.put(messages)
        if failing {
            try await wait(until: "commits fail again and again, and no attempt is begun for lack of room") {
                node.spool.counts.failedCommits >= 4 && node.service.gauge.count >= 8
            }
            #expect(node.service.gauge.count <= 10)
            #expect(begun.withLock { $0 } <= 10)
            #expect(try await fixture.events.all().allSatisfy { $0.type == "accepted" })
            isOpen.withLock { $0 = true }
        }
        try await wait(until: "all are committed") { try await node.isQuiet() }
        #expect(peak.withLock { $0 } <= 10 && peak.withLock { $0 } > 0)
        #expect(begun.withLock { $0 } == recipients && peer.taken.count == 40)
        #expect(try await fixture.events.count("delivered") == recipients)
        #expect(Set(try await fixture.events.all().map(\.eventID)).count == 2 * recipients)
        #expect(await node.differences() == [0, 0, 0, 0])
        watched.withLock { $0 = nil }
        try await node.stop()
        await fixture.close()
    }

    @Test func aFatalErrorEndsTheService() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer()
        let node = try await fixture.start(try Fixture.configuration(routes: Fixture.relay(peer.port)))
        node.spool.change { $0.onCommit = { _ in .fail(SpoolError(.fenced, "another sender has taken over")) } }
        try await fixture.spool.put([try Fixture.message(to: ["a@a.test"])])
        await #expect(throws: SpoolError.self) { try await node.ended() }
        #expect(try await fixture.events.all().isEmpty)
        await fixture.close()
    }

    /// More unfinished records than the metadata of a position can tell (DESIGN §6): the oldest are parked.
    @Test func aFullLedgerParksTheOldest() async throws {
        let fixture = try await Fixture(partitions: 1)
        let peer = try await ScriptedPeer { _ in .silence }
        let count = 3_200
        let silent = try Fixture.configuration(routes: Fixture.relay(peer.port)) {
            $0.ready.messages = 10_000
            $0.drainTime = .milliseconds(50)
        }
        let node = try await fixture.start(silent)
        for batch in 0..<4 {
            try await fixture.spool.put(
                try (0..<(count / 4)).map { try Fixture.message(to: ["r\(batch)-\($0)@slow.test"]) })
        }
        try await wait(until: "all are taken in and committed") {
            try await fixture.events.count("accepted") == count
        }
        #expect(node.spool.counts.longestMetadata <= 3_000)
        let committed = try #require(try await fixture.spool.committed(group: SenderService.group, topic: .mail)[0])
        let ledger = try Ledger(metadata: committed.metadata, committedOffset: committed.offset)
        let parked = try await fixture.spool.liveEntries()
        #expect(ledger.unfinishedCount < 3_000 && ledger.unfinishedCount + parked.count == count)
        #expect(parked.values.allSatisfy { $0.state == .running || $0.state == .parked })
        #expect(await node.differences() == [0])
        try await node.stop()

        let next = try await fixture.start(try Fixture.configuration(routes: "\"*\": {discard: true}"))
        try await wait(until: "the successor ends them all") { try await next.isQuiet() }
        #expect(await next.total { $0.totals.delivered } == UInt64(count))
        #expect(await next.differences() == [0])
        try await next.stop()
        await fixture.close()
    }
}
