import MailModel
import MailTestKit
import NodeRuntime
import Sender
import Spool
import Testing

/// Routes that lead to a server of LMTP.
@Suite struct LMTPTests {
    private static func route(_ peer: ScriptedPeer) -> String { "\"*\": {lmtp: \"127.0.0.1:\(peer.port)\"}" }

    /// Says yes to all but the replies to the content.
    private static func script(_ replies: ScriptedPeer.Answer...) -> ScriptedPeer.Script {
        { step in
            guard case .dot(let mail) = step else { return .reply(ScriptedPeer.agreement(to: step)) }
            // The first answer is for a mail to several; one to a single recipient is taken.
            return mail.recipients.count > 1 ? replies[0] : .reply("250 2.0.0 taken")
        }
    }

    @Test func eachRecipientHasAnOutcomeOfItsOwn() async throws {
        let fixture = try await Fixture(partitions: 1)
        let peer = try await ScriptedPeer(
            Self.script(.reply("250 2.0.0 b taken\r\n452 4.2.2 c is full\r\n550 5.2.1 d is disabled")))
        let node = try await fixture.start(try Fixture.configuration(routes: Self.route(peer)))
        try await fixture.spool.put([try Fixture.message(to: ["b@a.test", "c@a.test", "d@a.test"])])
        try await wait(until: "all have ended") { try await node.isQuiet() }
        let events = try await fixture.events.all()
        let delivered = events.filter { $0.type == "delivered" }
        #expect(delivered.map(\.recipient) == ["b@a.test", "c@a.test"])
        #expect(delivered.map(\.attempt) == [1, 2])
        #expect(events.filter { $0.type == "deferred" }.map(\.recipient) == ["c@a.test"])
        #expect(events.filter { $0.type == "failed" }.map(\.reply?.text) == ["d is disabled"])
        #expect(events.filter { $0.isFinal }.allSatisfy { $0.protocol == "lmtp" && $0.route == "lmtp" })
        #expect(delivered.first?.site == "127.0.0.1:\(peer.port)")
        // What was delivered is not sent again.
        #expect(peer.dots == 2)
        #expect(await node.differences() == [0])
        try await node.stop()
        await fixture.close()
    }

    @Test func tooFewRepliesDeferTheRestAsAmbiguous() async throws {
        let fixture = try await Fixture(partitions: 1)
        let peer = try await ScriptedPeer(Self.script(.lastWords("250 2.0.0 b taken")))
        let node = try await fixture.start(try Fixture.configuration(routes: Self.route(peer)))
        try await fixture.spool.put([try Fixture.message(to: ["b@a.test", "c@a.test"])])
        try await wait(until: "all have ended") { try await node.isQuiet() }
        let events = try await fixture.events.all().filter { $0.type != "accepted" }
        #expect(events.map(\.type) == ["delivered", "deferred", "delivered"])
        #expect(events.map(\.recipient) == ["b@a.test", "c@a.test", "c@a.test"])
        #expect(events.map(\.ambiguous) == [nil, true, nil])
        try await node.stop()
        await fixture.close()
    }

    @Test func tooManyRepliesEndTheConnectionAndChangeNothing() async throws {
        let fixture = try await Fixture(partitions: 1)
        let peer = try await ScriptedPeer(Self.script(.reply("250 b\r\n250 c\r\n550 5.1.1 who?")))
        let node = try await fixture.start(try Fixture.configuration(routes: Self.route(peer)))
        try await fixture.spool.put([try Fixture.message(to: ["b@a.test", "c@a.test"])])
        try await wait(until: "all have ended") { try await node.isQuiet() }
        try await fixture.spool.put([try Fixture.message(to: ["d@a.test"])])
        try await wait(until: "all have ended") { try await fixture.events.count("delivered") == 3 }
        #expect(Set(try await fixture.events.all().map(\.type)) == ["accepted", "delivered"])
        #expect(peer.connections == 2)
        try await node.stop()
        await fixture.close()
    }

    @Test(arguments: ["554 5.7.1 go away", "421 4.3.2 busy"]) func aRefusedSessionFailsNobody(reply: String)
        async throws
    {
        let fixture = try await Fixture(partitions: 1)
        let peer = try await ScriptedPeer { step in
            if case .greeting = step { .reply(reply) } else { .reply(ScriptedPeer.agreement(to: step)) }
        }
        let node = try await fixture.start(try Fixture.configuration(routes: Self.route(peer), retry: .seconds(600)))
        try await fixture.spool.put([try Fixture.message(to: ["b@a.test"])])
        try await wait(until: "it is deferred") { try await fixture.events.count("deferred") == 1 }
        #expect(try await fixture.events.count("failed") == 0)
        try await node.stop()
        await fixture.close()
    }

    /// A socket that nobody listens on is a dead host: one message probes it, the others wait untried.
    @Test func aUnixSocketThatIsDownIsProbed() async throws {
        let fixture = try await Fixture(partitions: 1)
        let directory = try ScratchDirectory("apus-lmtp")
        let socket = directory.file("lmtp")
        let configuration = try Fixture.configuration(
            routes: "\"*\": {lmtp: \"unix:\(socket)\"}", retry: .milliseconds(200)
        ) { sender in
            // No part of it goes to a Unix socket.
            sender.sources.append(
                SourceConfiguration(name: "s1", address: IPAddress("192.0.2.1"), ehlo: Domain(canonical: "s1.test")))
            sender.pools = [PoolConfiguration(name: "p", members: [.init(source: "s1", weight: 1)])]
            sender.defaultPool = "p"
        }
        let node = try await fixture.start(configuration)
        try await fixture.spool.put(try (0..<20).map { try Fixture.message(to: ["r\($0)@a.test"]) })
        try await wait(until: "all wait, and a probe was deferred") {
            let deferred = try await fixture.events.count("deferred")
            return try await fixture.spool.liveEntries().count == 20 && deferred > 0
        }
        #expect(try await fixture.events.all("deferred").allSatisfy { $0.class == "no-answer-from-host" })
        let peer = try await ScriptedPeer(socket: socket)
        try await wait(until: "all have ended") { try await node.isQuiet() }
        #expect(peer.taken.count == 20)
        let delivered = try await fixture.events.all("delivered")
        #expect(delivered.allSatisfy { $0.remote?.host == socket && $0.remote?.address == nil && $0.source == nil })
        #expect(delivered.allSatisfy { $0.site == "unix:\(socket)" && $0.protocol == "lmtp" })
        #expect(await node.differences() == [0])
        try await node.stop()
        await fixture.close()
    }
}
