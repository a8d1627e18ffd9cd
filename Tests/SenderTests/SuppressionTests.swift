import DeliveryPolicy
import MailModel
import MailTestKit
import NIOCore
import NodeRuntime
import Sender
import Spool
import Synchronization
import Testing

/// The suppression list (DESIGN §3): what it ends, when, and what remains in the books.
@Suite struct SuppressionTests {
    private static func entry(
        _ text: String, tenant: String? = nil, expiry: Timestamp? = nil, reason: String? = "asked"
    ) throws -> Suppression {
        let target = try #require(SuppressionTarget(text))
        return Suppression(
            SuppressionKey(tenant: tenant, target), .manual, created: .now(), expiry: expiry, reason: reason,
            actor: "ann")
    }

    /// Keys of what stands in `control`.
    private static func listed(_ spool: any Spool) async throws -> [Suppression] {
        let found = Mutex<[Suppression]>([])
        try await SuppressionList(spool: spool).forEach(limit: 1000) { entry, _ in found.withLock { $0.append(entry) } }
        return found.withLock { $0 }
    }

    private static func refusing(_ replies: [String: String]) -> ScriptedPeer.Script {
        { step in
            if case .rcpt(let recipient) = step, let reply = replies[recipient] { return .reply(reply) }
            return .reply(ScriptedPeer.agreement(to: step))
        }
    }

    @Test func atIntakeOnlyTheOthersAreDelivered() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer()
        let list = SuppressionList(spool: fixture.spool)
        try await list.add([
            try Self.entry("ann@a.test"), try Self.entry("b.test"), try Self.entry("cy@c.test", tenant: "t1"),
            try Self.entry("old@a.test", expiry: .now() + .milliseconds(-5000)),
        ])
        let node = try await fixture.start(try Fixture.configuration(routes: Fixture.relay(peer.port)))
        var ofTenant = try Fixture.message(to: ["cy@c.test"], dsn: true)
        ofTenant.wishes.tenant = "t1"
        try await fixture.spool.put([
            try Fixture.message(to: ["Ann@a.test", "bo@a.test", "old@a.test"], dsn: true),
            try Fixture.message(to: ["x@b.test", "y@b.test"], dsn: true),
            try Fixture.message(to: ["z@sub.b.test", "cy@c.test"], dsn: true), ofTenant,
        ])
        try await wait(until: "nothing is left") { try await node.isQuiet() }
        #expect(
            Set(peer.taken.flatMap(\.recipients)) == ["bo@a.test", "old@a.test", "z@sub.b.test", "cy@c.test"])
        let ended = try await fixture.events.all("suppressed")
        #expect(Set(ended.map(\.recipient)) == ["Ann@a.test", "x@b.test", "y@b.test", "cy@c.test"])
        #expect(ended.allSatisfy { $0.actor == "ann" && $0.class == "other" && $0.attempt == 0 })
        #expect(ended.allSatisfy { $0.reason?.hasSuffix("is suppressed (manual): asked") == true })
        #expect(try await fixture.events.count("accepted") == 8)
        #expect(await node.total { $0.totals.suppressed } == 4)
        #expect(await node.total { $0.totals.delivered } == 4)
        #expect(await node.differences() == [0, 0, 0, 0])
        #expect(try await fixture.spool.mail().count == 4, "no DSN")
        try await node.stop()
        await fixture.close()
    }

    @Test func aLaterAttemptIsSuppressed() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer(
            Self.refusing(["ann@a.test": "450 4.2.1 later", "bo@a.test": "450 4.2.1 no"]))
        let node = try await fixture.start(
            try Fixture.configuration(routes: Fixture.relay(peer.port), retry: .milliseconds(300)))
        try await fixture.spool.put([try Fixture.message(to: ["ann@a.test", "bo@a.test"])])
        try await wait(until: "both are deferred") { try await fixture.events.count("deferred") >= 2 }
        try await SuppressionList(spool: fixture.spool).add([try Self.entry("ann@a.test")])
        try await wait(until: "one is suppressed") { try await fixture.events.count("suppressed") == 1 }
        peer.change(ScriptedPeer.welcome)
        try await wait(until: "nothing is left") { try await node.isQuiet() }
        #expect(peer.taken.flatMap(\.recipients) == ["bo@a.test"])
        let ended = try #require(try await fixture.events.all("suppressed").first)
        #expect(ended.recipient == "ann@a.test" && ended.attempt >= 1)
        #expect(await node.total { $0.totals.suppressed } == 1)
        #expect(await node.differences() == [0, 0, 0, 0])
        try await node.stop()
        await fixture.close()
    }

    /// What waits in a lane's ready queue when an entry comes is not begun any more.
    @Test func theReadyQueueIsAsked() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer { step in
            if case .rcpt("first@a.test") = step {
                .held("250 2.1.5 ok")
            } else {
                .reply(ScriptedPeer.agreement(to: step))
            }
        }
        let node = try await fixture.start(
            try Fixture.configuration(routes: Fixture.relay(peer.port)) { $0.lane.connections = 1 })
        try await fixture.spool.put([try Fixture.message(to: ["first@a.test"])])
        try await wait(until: "the only connection is busy") { peer.heldAnswers == 1 }
        try await fixture.spool.put([try Fixture.message(to: ["ann@a.test"]), try Fixture.message(to: ["bo@a.test"])])
        try await wait(until: "they are taken in") { try await fixture.events.count("accepted") == 3 }
        try await SuppressionList(spool: fixture.spool).add([try Self.entry("ann@a.test")])
        // A later command is answered when the entry has been read.
        var nothing = QueueSelector()
        nothing.domain = "none.test"
        _ = try await QueueCommands(spool: fixture.spool).issue(
            .retry, nothing, actor: "ann", reason: nil, wait: .seconds(30))
        #expect(try await fixture.events.count("suppressed") == 0)
        peer.release()
        try await wait(until: "nothing is left") { try await node.isQuiet() }
        #expect(peer.taken.map(\.recipients) == [["first@a.test"], ["bo@a.test"]])
        #expect(try await fixture.events.all("suppressed").map(\.recipient) == ["ann@a.test"])
        #expect(await node.differences() == [0, 0, 0, 0])
        try await node.stop()
        await fixture.close()
    }

    @Test func aRestartKeepsIt() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer()
        let configuration = try Fixture.configuration(routes: Fixture.relay(peer.port))
        let list = SuppressionList(spool: fixture.spool)
        let first = try await fixture.start(configuration)
        try await list.add([try Self.entry("ann@a.test"), try Self.entry("bo@a.test")])
        try await list.remove([SuppressionKey(tenant: nil, try #require(SuppressionTarget("bo@a.test")))])
        try await first.stop()
        #expect(try await Self.listed(fixture.spool).map { "\($0.key.target)" } == ["ann@a.test"])
        // Mail that waits when the sender starts is stopped too: the list is read before the first attempt.
        try await fixture.spool.put([try Fixture.message(to: ["ann@a.test", "bo@a.test"])])
        let second = try await fixture.start(configuration)
        try await wait(until: "nothing is left") { try await second.isQuiet() }
        #expect(peer.taken.map(\.recipients) == [["bo@a.test"]])
        #expect(await second.total { $0.totals.suppressed } == 1)
        try await second.stop()
        await fixture.close()
    }

    /// One about the suppressed recipient, another about the one whose first attempt fails.
    @Test func aDSNTellsWhereItIsWanted() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer(Self.refusing(["bo@a.test": "550 5.7.1 not you"]))
        try await SuppressionList(spool: fixture.spool).add([try Self.entry("ann@a.test")])
        let keys = Mutex<[String]>([])
        var rules = SpoolProxy.Rules()
        rules.onCommit = { transaction in
            let written = transaction.records.filter { $0.key.contains("/dsn/") && $0.value != nil }.map(\.key)
            keys.withLock { $0 += written }
            return .pass
        }
        let node = try await fixture.start(
            try Fixture.configuration(routes: Fixture.relay(peer.port)) { $0.suppression.dsn = true }, rules)
        try await fixture.spool.put([try Fixture.message(to: ["ann@a.test", "bo@a.test"], dsn: true)])
        try await wait(until: "the DSNs are delivered") { peer.taken.count == 2 }
        #expect(peer.taken.allSatisfy { $0.reversePath.isEmpty && $0.recipients == ["origin@origin.test"] })
        let notice = try #require(peer.taken.first { $0.content.contains("ann@a.test") })
        #expect(notice.content.contains("Status: 5.7.1") && notice.content.contains("suppressed"))
        #expect(Set(keys.withLock { $0 }).count == 2, "neither entry takes the place of the other")
        try await wait(until: "nothing is left") { try await node.isQuiet() }
        #expect(await node.differences() == [0, 0, 0, 0])
        try await node.stop()
        await fixture.close()
    }

    // MARK: Hard bounces

    private static func automatic(_ port: Int, _ on: Bool = true) throws -> NodeConfiguration {
        try Fixture.configuration(routes: Fixture.relay(port), retry: .milliseconds(50)) {
            $0.suppression.hardBounces = on
            $0.suppression.classes = [.badMailbox]
        }
    }

    @Test func onlyWhatCondemnsAnAddressAddsIt() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer(
            Self.refusing([
                "Bad@a.test": "550 5.1.1 user unknown", "gone@a.test": "550 5.2.1 mailbox disabled",
                "policy@a.test": "550 5.7.1 refused by policy", "full@a.test": "552 5.2.2 mailbox full",
                "kept@a.test": "550 5.1.1 user unknown",
            ]))
        let own = Suppression(
            SuppressionKey(tenant: nil, try #require(SuppressionTarget("never@a.test"))), .manual, created: .now())
        try await SuppressionList(spool: fixture.spool).add([own])
        let node = try await fixture.start(try Self.automatic(peer.port))
        var message = try Fixture.message(
            to: ["Bad@a.test", "gone@a.test", "policy@a.test", "full@a.test", "good@a.test"])
        message.wishes.tenant = "t1"
        try await fixture.spool.put([message])
        try await wait(until: "nothing is left") { try await node.isQuiet() }
        #expect(try await fixture.events.count("failed") == 4)
        let added = try await Self.listed(fixture.spool).filter { $0.source == .hardBounce }
        let entry = try #require(added.first)
        #expect(added.count == 1 && "\(entry.key)" == "suppress/t1/bad@a.test")
        #expect(entry.bounceClass == "bad-mailbox" && entry.queueID == message.queueID)
        #expect(entry.reply == "550 5.1.1 user unknown" && entry.reason == "hard bounce, bad-mailbox")
        let life = try #require(entry.expiry) - entry.created
        #expect(life == .seconds(180 * 86_400))

        // It counts for the next message, of this tenant alone.
        var (again, other) = (try Fixture.message(to: ["bad@a.test"]), try Fixture.message(to: ["BAD@a.test"]))
        again.wishes.tenant = "t1"
        other.wishes.tenant = "t2"
        try await fixture.spool.put([again])
        try await wait(until: "it is suppressed") { try await fixture.events.count("suppressed") == 1 }
        try await fixture.spool.put([other])
        try await wait(until: "nothing is left") { try await node.isQuiet() }
        let ended = try #require(try await fixture.events.all("suppressed").first)
        #expect(ended.queueID == "\(again.queueID)" && ended.actor == nil)
        #expect(ended.reason == "the address is suppressed (hard-bounce): hard bounce, bad-mailbox")
        #expect(await node.total { $0.totals.suppressed } == 1)
        #expect(await node.differences() == [0, 0, 0, 0])
        try await node.stop()
        await fixture.close()
    }

    @Test func offItAddsNothing() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer(Self.refusing(["bad@a.test": "550 5.1.1 user unknown"]))
        let node = try await fixture.start(try Self.automatic(peer.port, false))
        try await fixture.spool.put([try Fixture.message(to: ["bad@a.test"])])
        try await wait(until: "nothing is left") { try await node.isQuiet() }
        #expect(try await fixture.events.count("failed") == 1)
        #expect(try await Self.listed(fixture.spool).isEmpty)
        try await node.stop()
        await fixture.close()
    }

    /// The entry is there exactly if the outcome is: a commit that does not get through leaves neither.
    @Test func theEntryComesWithTheOutcome() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer(Self.refusing(["bad@a.test": "550 5.1.1 user unknown"]))
        let isCut = Mutex(true)
        let both = Mutex<[Bool]>([])
        var rules = SpoolProxy.Rules()
        rules.onCommit = { transaction in
            let hasEntry = transaction.records.contains { $0.topic == .control }
            let hasEvent = transaction.records.contains { record in
                record.topic == .events && record.value.map { String(buffer: $0).contains("\"failed\"") } ?? false
            }
            guard hasEntry || hasEvent else { return .pass }
            both.withLock { $0.append(hasEntry && hasEvent) }
            return isCut.withLock { $0 } ? .fail(SpoolError(.unavailable, "not now")) : .pass
        }
        let node = try await fixture.start(try Self.automatic(peer.port), rules)
        try await fixture.spool.put([try Fixture.message(to: ["bad@a.test"])])
        try await wait(until: "a commit was refused") { node.spool.counts.failedCommits >= 2 }
        #expect(try await Self.listed(fixture.spool).isEmpty)
        #expect(try await fixture.events.count("failed") == 0)
        isCut.withLock { $0 = false }
        try await wait(until: "nothing is left") { try await node.isQuiet() }
        #expect(try await Self.listed(fixture.spool).map { "\($0.key.target)" } == ["bad@a.test"])
        #expect(try await fixture.events.count("failed") == 1)
        #expect(both.withLock { $0.allSatisfy { $0 } })
        try await node.stop()
        await fixture.close()
    }

    // MARK: The list itself

    @Test func pagesAndFilters() async throws {
        let fixture = try await Fixture()
        let list = SuppressionList(spool: fixture.spool)
        try await list.add(try (0..<25).map { try Self.entry("r\($0)@\($0 < 20 ? "a" : "b").test") })
        try await list.add([try Self.entry("*.b.test", tenant: "t1"), try Self.entry("r3@a.test", reason: "again")])
        var (seen, after) = ([String](), Int64?.none)
        repeat {
            let page = Mutex<[(String, Int64)]>([])
            try await list.forEach(after: after, limit: 10) { entry, offset in
                page.withLock { $0.append(("\(entry.key.target)", offset)) }
            }
            let items = page.withLock { $0 }
            seen += items.map(\.0)
            after = items.last?.1
        } while after != nil
        #expect(seen.count == 26 && Set(seen).count == 26)
        #expect(seen.last == "r3@a.test", "replaced, it is the latest")
        var filter = SuppressionFilter()
        filter.domain = Domain(canonical: "b.test")
        let found = Mutex<[String]>([])
        try await list.forEach(filter, limit: 100) { entry, _ in found.withLock { $0.append("\(entry.key.target)") } }
        #expect(
            found.withLock { $0 } == ["r20@b.test", "r21@b.test", "r22@b.test", "r23@b.test", "r24@b.test", "*.b.test"])
        await fixture.close()
    }

    @Test func whatIsOverIsSwept() async throws {
        let fixture = try await Fixture()
        let list = SuppressionList(spool: fixture.spool)
        let now = Timestamp.now()
        try await list.add([
            try Self.entry("over@a.test", expiry: now + .seconds(3600)), try Self.entry("ever@a.test"),
            try Self.entry("renewed@a.test", expiry: now + .seconds(3600)),
            try Self.entry("later@a.test", expiry: now + .seconds(86_400)),
        ])
        #expect(try await list.removeExpired(at: now + .seconds(3660), unless: { _ in false }) == 0, "an hour's grace")
        let removed = try await list.removeExpired(at: now + .seconds(7300)) { "\($0.target)" == "renewed@a.test" }
        #expect(removed == 1)
        #expect(
            Set(try await Self.listed(fixture.spool).map { "\($0.key.target)" })
                == ["ever@a.test", "renewed@a.test", "later@a.test"])
        await fixture.close()
    }
}
