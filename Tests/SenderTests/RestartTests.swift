import DeliveryPolicy
import MailModel
import MailTestKit
import NodeRuntime
import Sender
import Spool
import Synchronization
import Testing

/// What a sender leaves behind is what the next one goes on with.
@Suite struct RestartTests {
    /// Defers each third first attempt, so that ledger and schedule both hold messages at the stop.
    private static func hesitant() -> ScriptedPeer.Script {
        let asked = Mutex<Set<String>>([])
        return { step in
            guard case .rcpt(let recipient) = step, recipient.hasPrefix("late"),
                asked.withLock({ $0.insert(recipient).inserted })
            else { return .reply(ScriptedPeer.agreement(to: step)) }
            return .reply("450 4.3.0 not now")
        }
    }

    private static func messages(_ count: Int) throws -> [MessageRecord] {
        try (0..<count).map { number in
            try Fixture.message(to: ["\(number % 3 == 0 ? "late" : "soon")\(number)@d\(number % 5).test"])
        }
    }

    @Test func aCleanStopRepeatsNothing() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer(Self.hesitant())
        let configuration = try Fixture.configuration(routes: Fixture.relay(peer.port), retry: .milliseconds(300))
        let first = try await fixture.start(configuration)
        let messages = try Self.messages(150)
        try await fixture.spool.put(messages)
        try await wait(until: "some are taken") { peer.taken.count >= 20 }
        try await first.stop()
        let before = try await fixture.events.count("delivered")
        #expect(before >= 20 && before == peer.taken.count)

        let second = try await fixture.start(configuration)
        try await wait(until: "the rest") { try await second.isQuiet() }
        #expect(peer.taken.count == 150)
        #expect(Set(peer.taken.map(\.queueID)) == Set(messages.map { "\($0.queueID)" }))
        let events = try await fixture.events.all()
        #expect(events.count { $0.type == "delivered" } == 150)
        #expect(Set(events.map(\.eventID)).count == events.count)
        #expect(await second.total { $0.totals.accepted } == 150)
        #expect(await second.total { $0.totals.delivered } == 150)
        #expect(await second.differences() == [0, 0, 0, 0])
        try await second.stop()
        await fixture.close()
    }

    @Test(arguments: [1, 30, 90]) func aKillLosesNothing(after taken: Int) async throws {
        let fixture = try await Fixture()
        // So that some are left at the death, however late it comes, a third is not taken until then.
        let script = Self.hesitant()
        let isLate = Mutex(true)
        let peer = try await ScriptedPeer { step in
            if case .rcpt(let recipient) = step, recipient.hasPrefix("late"), isLate.withLock({ $0 }) {
                return .reply("450 4.3.0 not now")
            }
            return script(step)
        }
        let configuration = try Fixture.configuration(routes: Fixture.relay(peer.port), retry: .milliseconds(200)) {
            $0.maxUncommitted = 20
        }
        let first = try await fixture.start(configuration)
        let messages = try Self.messages(150)
        try await fixture.spool.put(messages)
        try await wait(until: "some are taken") { peer.taken.count >= taken }
        try await first.kill()
        isLate.withLock { $0 = false }
        let committed = try await fixture.events.count("delivered")

        let second = try await fixture.start(configuration)
        try await wait(until: "the rest") { try await second.isQuiet() }
        let events = try await fixture.events.all()
        #expect(Set(events.filter { $0.type == "delivered" }.map(\.queueID)) == Set(messages.map { "\($0.queueID)" }))
        #expect(Set(events.map(\.eventID)).count == events.count)
        #expect(await second.total { $0.totals.accepted } == 150)
        #expect(await second.total { $0.totals.delivered } == 150)
        #expect(await second.differences() == [0, 0, 0, 0])
        #expect(committed < 150 && peer.taken.count >= 150 && peer.taken.count <= 150 + 20)
        try await second.stop()
        await fixture.close()
    }
}
