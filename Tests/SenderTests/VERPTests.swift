import DeliveryPolicy
import MailModel
import MailTestKit
import NodeRuntime
import Sender
import Spool
import Testing

/// A reverse-path for each recipient, and with it a transaction for each.
@Suite struct VERPTests {
    private func configuration(
        _ port: Int, template: String = "b+{local}={domain}@bounces.test",
        _ change: (inout SenderConfiguration) -> Void = { _ in }
    ) throws -> NodeConfiguration {
        let template = try VERPTemplate(parsing: template)
        return try Fixture.configuration(routes: Fixture.relay(port)) { sender in
            sender.verp = [VERPConfiguration(pool: "default", template: template)]
            sender.lane.connections = 1
            change(&sender)
        }
    }

    @Test func eachRecipientHasItsOwn() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer { step in
            switch step {
            case .rcpt(let name) where name.hasPrefix("bad"): .reply("550 5.1.1 no such user")
            default: .reply(ScriptedPeer.agreement(to: step))
            }
        }
        let node = try await fixture.start(try configuration(peer.port))
        try await fixture.spool.put([
            try Fixture.message(to: ["a@a.test", "bad@a.test", "c@a.test"], dsn: true),
            try Fixture.message(to: ["d@b.test", "e@b.test"], from: ""),
            try Fixture.message(to: ["\(String(repeating: "l", count: 60))@c.test"]),
        ])
        try await wait(until: "all have ended") { try await node.isQuiet() }
        let sent = Dictionary(
            peer.taken.map { ($0.recipients.joined(separator: " "), $0.reversePath) },
            uniquingKeysWith: { "\($0) \($1)" })
        #expect(sent["a@a.test"] == "b+a=a.test@bounces.test")
        #expect(sent["c@a.test"] == "b+c=a.test@bounces.test")
        #expect(sent["d@b.test e@b.test"] == "", "a null reverse-path stays what it is, in one transaction")
        #expect(
            sent["\(String(repeating: "l", count: 60))@c.test"] == "origin@origin.test", "too long: the message's own")
        // Our own DSN goes to the message's reverse-path, and events name it.
        #expect(sent["origin@origin.test"] == "")
        let failed = try #require(try await fixture.events.all("failed").first)
        #expect(failed.recipient == "bad@a.test" && failed.reversePath == "origin@origin.test" && failed.attempt == 1)
        #expect(try await fixture.events.count("delivered") == 6)
        #expect(await node.differences() == [0, 0, 0, 0])
        try await node.stop()
        await fixture.close()
    }

    /// The host hangs up after each message: the others of the part go on over other connections, and nobody twice.
    @Test func aConnectionThatEndsAmidIsNoLoss() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer()
        let node = try await fixture.start(
            try configuration(peer.port) { $0.lane.messagesPerConnection = 1 })
        let names = (0..<7).map { "r\($0)@a.test" }
        try await fixture.spool.put([try Fixture.message(to: names)])
        try await wait(until: "all have ended") { try await node.isQuiet() }
        #expect(peer.taken.map { $0.recipients.joined() } == names)
        #expect(peer.connections == 7)
        #expect(try await fixture.events.all("delivered").map(\.attempt) == [Int](repeating: 1, count: 7))
        try await node.stop()
        await fixture.close()
    }

    /// A 421 in the middle defers that recipient alone; greylisted ones are tried again, delivered ones are not.
    @Test func aSessionThatIsClosedAmid() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer { step in
            if case .rcpt(let name) = step, name.hasPrefix("r2") { return .reply("421 4.3.2 closing") }
            return .reply(ScriptedPeer.agreement(to: step))
        }
        let node = try await fixture.start(try configuration(peer.port))
        try await fixture.spool.put([try Fixture.message(to: (0..<5).map { "r\($0)@a.test" })])
        try await wait(until: "one is deferred") { try await fixture.events.count("deferred") >= 1 }
        peer.change(ScriptedPeer.welcome)
        try await wait(until: "all have ended") { try await node.isQuiet() }
        #expect(peer.taken.map { $0.recipients.joined() }.sorted() == (0..<5).map { "r\($0)@a.test" })
        #expect(await node.differences() == [0, 0, 0, 0])
        try await node.stop()
        await fixture.close()
    }

    /// Stopped amid a message: what was delivered is committed, and the next node goes on with the others.
    @Test func aStopAmidAMessage() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer { step in
            if case .dot(let mail) = step, mail.recipients == ["r1@a.test"] { return .held("250 2.0.0 taken") }
            return .reply(ScriptedPeer.agreement(to: step))
        }
        let first = try await fixture.start(try configuration(peer.port))
        try await fixture.spool.put([try Fixture.message(to: ["r0@a.test", "r1@a.test", "r2@a.test"])])
        try await wait(until: "the second is under way") { peer.heldAnswers == 1 }
        async let stopped: Void = first.stop()
        // As a rule the stop has come by now and gives the rest back; if not, the first node delivers all.
        try await Task.sleep(for: .milliseconds(50))
        peer.release()
        try await stopped
        let second = try await fixture.start(try configuration(peer.port))
        try await wait(until: "the last is delivered") { try await second.isQuiet() && peer.taken.count >= 3 }
        #expect(peer.taken.map { $0.recipients.joined() } == ["r0@a.test", "r1@a.test", "r2@a.test"])
        let delivered = try await fixture.events.all("delivered")
        #expect(delivered.map(\.recipient).sorted() == ["r0@a.test", "r1@a.test", "r2@a.test"])
        #expect(delivered.allSatisfy { $0.attempt == 1 })
        #expect(await second.differences() == [0, 0, 0, 0])
        try await second.stop()
        await fixture.close()
    }
}
