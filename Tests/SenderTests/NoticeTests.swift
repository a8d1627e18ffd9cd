import DeliveryPolicy
import MailModel
import MailTestKit
import NIOCore
import NodeRuntime
import Sender
import Spool
import Testing

/// Delivery status notifications (RFC 3464): about whom, to whom, and that a crash loses none.
@Suite struct NoticeTests {
    /// Refuses recipients whose name begins with `bad`.
    private static let strict: ScriptedPeer.Script = { step in
        if case .rcpt(let recipient) = step, recipient.hasPrefix("bad") { return .reply("550 5.1.1 no such user") }
        return .reply(ScriptedPeer.agreement(to: step))
    }

    @Test func aFailureIsReportedToTheReversePath() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer(Self.strict)
        let node = try await fixture.start(try Fixture.configuration(routes: Fixture.relay(peer.port)))
        let told = try Fixture.message(to: ["bad1@a.test", "good@a.test", "bad2@a.test"], dsn: true)
        try await fixture.spool.put([
            told,
            try Fixture.message(to: ["bad3@a.test"], notify: .never, dsn: true),
            try Fixture.message(to: ["bad4@a.test"], notify: .success, dsn: true),
            try Fixture.message(to: ["bad5@a.test"], from: "", dsn: true),
            try Fixture.message(to: ["bad6@a.test"], dsn: false),
        ])
        try await wait(until: "all have ended") { try await node.isQuiet() }
        let notices = try await fixture.spool.mail().filter { $0.envelope.reversePath == .null && $0.part == 0 }
            .filter { !$0.envelope.recipients.contains { $0.mailbox.localPart == "bad5" } }
        #expect(try await fixture.spool.mail().count == 6)
        let notice = try #require(notices.first)
        #expect(notices.count == 1)
        #expect(notice.envelope.recipients.map(\.mailbox.description) == ["origin@origin.test"])
        let text = String(buffer: notice.content)
        for part in ["bad1@a.test", "bad2@a.test", "5.1.1", "no such user", "\(told.queueID)"] {
            #expect(text.contains(part), "without \(part)")
        }
        #expect(!text.contains("good@a.test"))
        let taken = try #require(peer.taken.first { $0.recipients == ["origin@origin.test"] })
        #expect(taken.reversePath.isEmpty && taken.content.contains("bad2@a.test"))
        #expect(await node.differences() == [0, 0, 0, 0])
        #expect(try await fixture.events.count("failed") == 6)
        try await node.stop()
        await fixture.close()
    }

    /// The entry of the DSN is committed, then the node dies: before its record is in the log, or right after.
    @Test(arguments: [false, true]) func aNoticeOutlivesItsWriter(isWritten: Bool) async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer(Self.strict)
        let configuration = try Fixture.configuration(routes: Fixture.relay(peer.port))
        var rules = SpoolProxy.Rules()
        rules.onAppend = { records in
            records.contains { $0.topic == .mail } ? (isWritten ? .loseAnswer : .lose) : .pass
        }
        // What a process that is gone cannot commit.
        rules.onCommit = { transaction in
            transaction.records.contains { $0.topic == .mail || $0.key.contains("/dsn/") && $0.value == nil }
                ? .lose : .pass
        }
        let first = try await fixture.start(configuration, rules)
        try await fixture.spool.put([try Fixture.message(to: ["bad@a.test"], dsn: true)])
        try await wait(until: "the DSN is a schedule entry") {
            let entries = try await fixture.spool.liveEntries()
            let ends = try await fixture.spool.endOffsets(of: .mail).reduce(0, +)
            return entries.count >= 1 && entries.keys.contains { $0.contains("/dsn/") } && ends == (isWritten ? 2 : 1)
        }
        try await first.kill()
        let before = try await fixture.spool.mail().filter { $0.envelope.reversePath == .null }

        let second = try await fixture.start(configuration)
        try await wait(until: "the DSN is delivered") {
            try await second.isQuiet() && peer.taken.contains { $0.recipients == ["origin@origin.test"] }
        }
        let notices = try await fixture.spool.mail().filter { $0.envelope.reversePath == .null }
        #expect(notices.count == before.count + 1 && before.count == (isWritten ? 1 : 0))
        #expect(Set(notices.map(\.queueID)).count == 1)
        let events = try await fixture.events.all()
        for story in Dictionary(grouping: events.filter(\.isFinal), by: \.eventID).values {
            #expect(story.count == 1 || story.allSatisfy { $0.domain == "origin.test" })
        }
        #expect(await second.differences() == [0, 0, 0, 0])
        try await second.stop()
        await fixture.close()
    }

    /// A repeated DSN has the queue ID of the first, which may still be queued.
    @Test func twoRecordsOfOneQueueIDKeepTheBooks() async throws {
        let fixture = try await Fixture(partitions: 1)
        let peer = try await ScriptedPeer { step in
            if case .dot = step { .held("250 2.0.0 taken") } else { .reply(ScriptedPeer.agreement(to: step)) }
        }
        let configuration = try Fixture.configuration(routes: Fixture.relay(peer.port)) { $0.lane.connections = 1 }
        let node = try await fixture.start(configuration)
        let message = try Fixture.message(to: ["r@a.test"])
        try await fixture.spool.put([message])
        try await wait(until: "the first is under way") { peer.heldAnswers == 1 }
        try await fixture.spool.put([message, try Fixture.message(to: ["s@a.test"])])
        try await wait(until: "the others are taken in") { await node.service.books().first?.intakeMark == 3 }
        peer.release()
        try await wait(until: "all have ended") { try await node.isQuiet() }
        #expect(await node.differences() == [0])
        #expect(peer.taken.contains { $0.recipients == ["s@a.test"] })
        let totals = try #require(await node.service.books().first?.totals)
        #expect(totals.accepted == totals.delivered)
        try await node.stop()
        await fixture.close()
    }
}
