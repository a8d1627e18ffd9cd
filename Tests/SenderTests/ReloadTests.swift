import MailModel
import MailTestKit
import NodeRuntime
import Sender
import Spool
import Testing

/// Another configuration while mail flows.
@Suite struct ReloadTests {
    private static func reload(_ node: SenderNode, _ configuration: NodeConfiguration) async throws {
        await (try node.service.prepare(configuration))()
    }

    @Test func aRouteIsFollowedToItsNewHost() async throws {
        let fixture = try await Fixture(partitions: 1)
        let peers = [try await ScriptedPeer(), try await ScriptedPeer()]
        let node = try await fixture.start(try Fixture.configuration(routes: Fixture.relay(peers[0].port)))
        try await fixture.spool.put([try Fixture.message(to: ["a@a.test"])])
        try await wait(until: "the first is delivered") { try await node.isQuiet() }
        try await Self.reload(node, try Fixture.configuration(routes: Fixture.relay(peers[1].port)))
        try await fixture.spool.put([try Fixture.message(to: ["b@a.test"])])
        try await wait(until: "the second is delivered") { try await node.isQuiet() }
        #expect(peers.map { $0.taken.map(\.recipients) } == [[["a@a.test"]], [["b@a.test"]]])
        try await node.stop()
        await fixture.close()
    }

    /// An idle connection was made without TLS: mail that now demands it must not take it.
    @Test func connectionsOfTheOldRulesTakeNoMoreMail() async throws {
        let fixture = try await Fixture(partitions: 1)
        let peer = try await ScriptedPeer()
        let route = "\"*\": {relay: 127.0.0.1:\(peer.port), tls: "
        let node = try await fixture.start(try Fixture.configuration(routes: route + "none}"))
        try await fixture.spool.put([try Fixture.message(to: ["a@a.test"])])
        try await wait(until: "a connection is idle") { try await node.isQuiet() }
        try await Self.reload(node, try Fixture.configuration(routes: route + "required}"))
        try await fixture.spool.put([try Fixture.message(to: ["b@a.test"])])
        try await wait(until: "it is deferred") { try await fixture.events.count("deferred") > 0 }
        #expect(peer.taken.map(\.recipients) == [["a@a.test"]])

        try await Self.reload(node, try Fixture.configuration(routes: route + "none}"))
        try await wait(until: "it is delivered") { try await node.isQuiet() }
        #expect(peer.taken.count == 2)
        #expect(await node.differences() == [0])
        try await node.stop()
        await fixture.close()
    }
}
