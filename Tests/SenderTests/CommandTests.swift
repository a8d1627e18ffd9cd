import DeliveryPolicy
import MailModel
import MailTestKit
import NodeRuntime
import Sender
import Spool
import Synchronization
import Testing

/// Operators' commands (DESIGN §9): what they match, what they leave in the log, and that they apply once.
@Suite struct CommandTests {
    private static let never: ScriptedPeer.Script = { step in
        if case .rcpt = step { .reply("450 4.3.0 not now") } else { .reply(ScriptedPeer.agreement(to: step)) }
    }

    private static func configuration(_ port: Int) throws -> NodeConfiguration {
        try Fixture.configuration(routes: Fixture.relay(port), retry: .seconds(600))
    }

    private static func deferred(
        _ fixture: Fixture, _ peer: ScriptedPeer
    ) async throws -> (node: SenderNode, messages: [MessageRecord]) {
        let node = try await fixture.start(try configuration(peer.port))
        let messages = try (0..<6).map { number in
            try Fixture.message(to: ["r\(number)@\(number < 3 ? "a" : "b").test"], dsn: false)
        }
        try await fixture.spool.put(messages)
        try await wait(until: "all are deferred") { try await fixture.events.count("deferred") == 6 }
        return (node, messages)
    }

    private static func selector(domain: String? = nil, _ id: QueueID? = nil) -> QueueSelector {
        var selector = QueueSelector()
        selector.domain = domain
        selector.queueID = id
        return selector
    }

    private static func issue(
        _ action: QueueCommand.Action, _ selector: QueueSelector, in spool: any Spool, wait: Duration = patience
    ) async throws -> [Int] {
        try await QueueCommands(spool: spool).issue(
            action, selector, actor: "ann", reason: "because \(action.rawValue)", wait: wait
        ).answers.map(\.matched)
    }

    @Test func failRetryAndDropApplyToWhatMatches() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer(Self.never)
        let (node, messages) = try await Self.deferred(fixture, peer)
        #expect(try await Self.issue(.fail, Self.selector(domain: "a.test"), in: fixture.spool) == [3])
        try await wait(until: "three failed") { try await fixture.events.count("failed") == 3 }
        let failed = try await fixture.events.all("failed")
        #expect(failed.allSatisfy { $0.actor == "ann" && $0.reason == "because fail" && $0.domain == "a.test" })
        #expect(failed.allSatisfy { $0.reply?.text == "because fail" && $0.reply?.code == 554 })

        peer.change(ScriptedPeer.welcome)
        #expect(try await Self.issue(.retry, Self.selector(messages[3].queueID), in: fixture.spool) == [1])
        try await wait(until: "one is delivered") { try await fixture.events.count("delivered") == 1 }
        #expect(peer.taken.map(\.queueID) == ["\(messages[3].queueID)"])

        #expect(try await Self.issue(.drop, Self.selector(domain: "b.test"), in: fixture.spool) == [2])
        try await wait(until: "nothing is left") { try await node.isQuiet() }
        let dropped = try await fixture.events.all("dropped")
        #expect(dropped.count == 2 && dropped.allSatisfy { $0.actor == "ann" && $0.reason == "because drop" })
        #expect(await node.total { $0.totals.dropped } == 2)
        #expect(await node.differences() == [0, 0, 0, 0])
        try await node.stop()
        await fixture.close()
    }

    @Test func readAgainAfterARestartItChangesNothing() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer(Self.never)
        let (first, messages) = try await Self.deferred(fixture, peer)
        #expect(try await Self.issue(.fail, Self.selector(messages[0].queueID), in: fixture.spool) == [1])
        #expect(try await Self.issue(.retry, Self.selector(domain: "b.test"), in: fixture.spool) == [3])
        try await wait(until: "the retries are deferred again") { try await fixture.events.count("deferred") == 9 }
        try await first.stop()
        let before = try await fixture.events.all().map(\.eventID)

        let second = try await fixture.start(try Self.configuration(peer.port))
        // Commands are followed in order: when this one is answered, the earlier ones have been read again.
        #expect(try await Self.issue(.retry, Self.selector(domain: "none.test"), in: fixture.spool) == [0])
        #expect(try await fixture.spool.liveEntries().count == 5)
        #expect(await second.service.books().reduce(0) { $0 + $1.queued } == 5)
        #expect(try await fixture.events.all().map(\.eventID) == before)
        try await second.stop()
        #expect(try await fixture.events.all().map(\.eventID) == before)
        await fixture.close()
    }

    /// A node that dies between a command and its commit must not forget it.
    @Test func aCommandOfADeadNodeIsCarriedOutByTheNext() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer(Self.never)
        let (first, _) = try await Self.deferred(fixture, peer)
        try await first.stop()
        #expect(try await Self.issue(.fail, Self.selector(domain: "a.test"), in: fixture.spool, wait: .zero).isEmpty)
        let second = try await fixture.start(try Self.configuration(peer.port))
        try await wait(until: "three failed") { try await fixture.events.count("failed") == 3 }
        #expect(await second.service.books().reduce(0) { $0 + $1.queued } == 3)
        #expect(await second.differences() == [0, 0, 0, 0])
        try await second.stop()
        await fixture.close()
    }

    /// A message that is being attempted follows when its attempt ends.
    @Test func aRunningAttemptIsFollowed() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer { step in
            if case .rcpt = step { .held("450 4.3.0 not now") } else { .reply(ScriptedPeer.agreement(to: step)) }
        }
        let node = try await fixture.start(try Self.configuration(peer.port))
        try await fixture.spool.put([try Fixture.message(to: ["r@a.test"])])
        try await wait(until: "the attempt runs") { peer.heldAnswers == 1 }
        #expect(try await Self.issue(.drop, Self.selector(domain: "a.test"), in: fixture.spool) == [1])
        #expect(try await fixture.events.count("dropped") == 0)
        peer.release()
        try await wait(until: "nothing is left") { try await node.isQuiet() }
        #expect(try await fixture.events.all().map(\.type) == ["accepted", "deferred", "dropped"])
        #expect(await node.differences() == [0, 0, 0, 0])
        try await node.stop()
        await fixture.close()
    }

    // MARK: Hold, release, reroute

    @Test func whatIsHeldIsNotTriedUntilItIsReleased() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer(Self.never)
        let (first, messages) = try await Self.deferred(fixture, peer)
        #expect(try await Self.issue(.hold, Self.selector(domain: "a.test"), in: fixture.spool) == [3])
        try await wait(until: "they are held") {
            try await fixture.spool.liveEntries().values.filter { $0.state == .held }.count == 3
        }
        peer.change(ScriptedPeer.welcome)
        #expect(try await Self.issue(.retry, Self.selector(), in: fixture.spool) == [3])
        try await wait(until: "the others are delivered") { try await fixture.events.count("delivered") == 3 }
        try await first.stop()

        // A restart changes nothing, although it reads the commands again.
        let second = try await fixture.start(try Self.configuration(peer.port))
        #expect(try await Self.issue(.hold, Self.selector(), in: fixture.spool) == [0])
        let held = try await fixture.spool.liveEntries()
        #expect(Set(held.keys) == Set(messages[..<3].map { "\($0.queueID)/0" }))
        #expect(held.values.allSatisfy { $0.state == .held && $0.reason == "held by ann: because hold" })
        #expect(peer.taken.count == 3)

        #expect(try await Self.issue(.release, Self.selector(messages[0].queueID), in: fixture.spool) == [1])
        try await wait(until: "one more is delivered") { try await fixture.events.count("delivered") == 4 }
        #expect(try await Self.issue(.release, Self.selector(), in: fixture.spool) == [2])
        try await wait(until: "nothing is left") { try await second.isQuiet() }
        #expect(peer.taken.count == 6)
        #expect(await second.differences() == [0, 0, 0, 0])
        try await second.stop()
        await fixture.close()
    }

    /// Read again after a restart, an old release must not let go what was held after it.
    @Test func anOldReleaseDoesNotReachALaterHold() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer(Self.never)
        let (first, _) = try await Self.deferred(fixture, peer)
        for action in [QueueCommand.Action.hold, .release, .hold] {
            #expect(try await Self.issue(action, Self.selector(domain: "a.test"), in: fixture.spool) == [3])
            try await wait(until: "\(action) is carried out") {
                try await fixture.spool.liveEntries().values.filter { $0.state == .held }.count
                    == (action == .hold ? 3 : 0)
            }
        }
        try await first.stop()
        peer.change(ScriptedPeer.welcome)
        let second = try await fixture.start(try Self.configuration(peer.port))
        #expect(try await Self.issue(.retry, Self.selector(domain: "b.test"), in: fixture.spool) == [3])
        try await wait(until: "the others are delivered") { try await fixture.events.count("delivered") == 3 }
        #expect(try await fixture.spool.liveEntries().values.map(\.state) == [.held, .held, .held])
        #expect(peer.taken.count == 3)
        try await second.stop()
        await fixture.close()
    }

    @Test func whatIsHeldExpires() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer(Self.never)
        let node = try await fixture.start(try Self.configuration(peer.port))
        try await fixture.spool.put([try Fixture.message(to: ["r@a.test"], lifetime: .seconds(4))])
        try await wait(until: "it is deferred, or has expired on a slow machine") {
            try await fixture.events.count("deferred") + fixture.events.count("expired") == 1
        }
        _ = try await Self.issue(.hold, Self.selector(), in: fixture.spool)
        try await wait(until: "it expires") { try await fixture.events.count("expired") == 1 }
        try await wait(until: "nothing is left") { try await node.isQuiet() }
        try await node.stop()
        await fixture.close()
    }

    @Test func reroutedMailGoesToTheHostsThatWereNamed() async throws {
        let fixture = try await Fixture()
        let (peer, other) = (try await ScriptedPeer(Self.never), try await ScriptedPeer(Self.never))
        let (first, messages) = try await Self.deferred(fixture, peer)
        let answers = try await QueueCommands(spool: fixture.spool).issue(
            .reroute, Self.selector(domain: "a.test"), actor: "ann", reason: nil,
            change: { $0.relay = "127.0.0.1:\(other.port)" }, wait: patience)
        #expect(answers.answers.map(\.matched) == [3])
        try await wait(until: "the other hosts defer them too") { try await fixture.events.count("deferred") == 9 }
        try await first.stop()

        // It is a property of the message: the next owner heeds it.
        other.change(ScriptedPeer.welcome)
        let second = try await fixture.start(try Self.configuration(peer.port))
        #expect(try await Self.issue(.retry, Self.selector(), in: fixture.spool) == [6])
        try await wait(until: "three are delivered") { try await fixture.events.count("delivered") == 3 }
        #expect(Set(other.taken.map(\.queueID)) == Set(messages[..<3].map { "\($0.queueID)" }))
        let back = try await QueueCommands(spool: fixture.spool).issue(
            .reroute, Self.selector(domain: "b.test"), actor: "ann", reason: nil, change: { $0.pool = "none" },
            wait: patience)
        #expect(back.answers.map(\.matched) == [3])
        try await wait(until: "they wait for a source of their pool") {
            try await fixture.spool.liveEntries().values.allSatisfy { $0.wishes.pool == "none" }
        }
        #expect(await second.differences() == [0, 0, 0, 0])
        try await second.stop()
        await fixture.close()
    }

    /// A command that is not carried out yet is not lost to the one behind it.
    @Test func commandsThatWaitAreCarriedOutInOrder() async throws {
        let fixture = try await Fixture()
        let (peer, other) = (try await ScriptedPeer(Self.never), try await ScriptedPeer())
        let isGone = Mutex(false)
        var rules = SpoolProxy.Rules()
        rules.onRead = { topic, _, record in topic == .schedule && isGone.withLock { $0 } ? nil : record }
        let node = try await fixture.start(try Self.configuration(peer.port), rules)
        try await fixture.spool.put(try (0..<3).map { try Fixture.message(to: ["r\($0)@a.test"]) })
        try await wait(until: "all are deferred") { try await fixture.spool.liveEntries().count == 3 }
        isGone.withLock { $0 = true }
        #expect(try await Self.issue(.hold, Self.selector(domain: "a.test"), in: fixture.spool) == [3])
        isGone.withLock { $0 = false }
        let answer = try await QueueCommands(spool: fixture.spool).issue(
            .reroute, Self.selector(domain: "a.test"), actor: "ann", reason: nil,
            change: { $0.relay = "127.0.0.1:\(other.port)" }, wait: patience)
        #expect(answer.answers.map(\.matched) == [3])
        try await wait(until: "both are carried out") {
            let entries = try await fixture.spool.liveEntries().values
            return entries.allSatisfy { $0.state == .held && $0.relay != nil }
        }
        #expect(other.taken.isEmpty)
        #expect(try await Self.issue(.release, Self.selector(), in: fixture.spool) == [3])
        try await wait(until: "they are delivered") { try await node.isQuiet() }
        #expect(other.taken.count == 3 && peer.taken.isEmpty)
        try await node.stop()
        await fixture.close()
    }
}
