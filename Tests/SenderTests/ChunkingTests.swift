import MailModel
import MailTestKit
import NodeRuntime
import Sender
import Spool
import Testing

/// BDAT to hosts that offer CHUNKING, and to those that should not have.
@Suite struct ChunkingTests {
    @Test(arguments: [true, false]) func isUsedWhereTheRouteAllows(isOn: Bool) async throws {
        let fixture = try await Fixture(partitions: 1)
        let peer = try await ScriptedPeer(chunking: true)
        let node = try await fixture.start(
            try Fixture.configuration(
                routes: "\"*\": {relay: \"127.0.0.1:\(peer.port)\"\(isOn ? "" : ", chunking: false")}"))
        try await fixture.spool.put(try (0..<20).map { try Fixture.message(to: ["r\($0)@a.test", "s@a.test"]) })
        try await wait(until: "all have ended") { try await node.isQuiet() }
        #expect(peer.taken.count == 20 && peer.chunks == (isOn ? 20 : 0))
        #expect(peer.taken.allSatisfy { $0.content.hasSuffix("\r\n\r\nbody\r\n") })
        try await node.stop()
        await fixture.close()
    }

    /// The same attempt goes on with DATA on another connection, and nobody gets the message twice.
    @Test func aHostThatRefusesBDATGetsDATA() async throws {
        let fixture = try await Fixture(partitions: 1)
        let peer = try await ScriptedPeer(chunking: true) { step in
            switch step {
            case .bdat: .reply("500 5.5.1 command unknown")
            case .rcpt("no@a.test"): .reply("550 5.1.1 no such user")
            default: .reply(ScriptedPeer.agreement(to: step))
            }
        }
        let node = try await fixture.start(try Fixture.configuration(routes: Fixture.relay(peer.port)))
        try await fixture.spool.put([try Fixture.message(to: ["b@a.test", "no@a.test"])])
        try await wait(until: "all have ended") { try await node.isQuiet() }
        #expect(peer.chunks == 1 && peer.taken.map(\.recipients) == [["b@a.test"]])
        try await fixture.spool.put(try (0..<5).map { try Fixture.message(to: ["r\($0)@a.test"]) })
        try await wait(until: "all have ended") { try await node.isQuiet() }
        #expect(peer.chunks == 1 && peer.taken.count == 6)
        let events = try await fixture.events.all().filter { $0.type != "accepted" }
        #expect(events.allSatisfy { $0.attempt == 1 })
        #expect(events.filter { $0.type != "delivered" }.map(\.recipient) == ["no@a.test"])
        #expect(await node.differences() == [0])
        try await node.stop()
        await fixture.close()
    }

    @Test func aCutAfterTheChunkIsAmbiguous() async throws {
        let fixture = try await Fixture(partitions: 1)
        let peer = try await ScriptedPeer(chunking: true) { step in
            if case .dot = step { .hangUp } else { .reply(ScriptedPeer.agreement(to: step)) }
        }
        let node = try await fixture.start(
            try Fixture.configuration(routes: Fixture.relay(peer.port), retry: .seconds(600)))
        try await fixture.spool.put([try Fixture.message(to: ["b@a.test"])])
        try await wait(until: "it is deferred") { try await fixture.events.count("deferred") == 1 }
        #expect(try await fixture.events.all("deferred").map(\.ambiguous) == [true])
        #expect(peer.dots == 1)
        try await node.stop()
        await fixture.close()
    }
}
