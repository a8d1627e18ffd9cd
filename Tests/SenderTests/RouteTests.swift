import MailModel
import MailTestKit
import NodeRuntime
import Sender
import Spool
import Testing

/// Routes and sources that lead to the same hosts.
@Suite struct RouteTests {
    /// Its own lane: a connection in clear that another route has open is not for it.
    @Test func mailThatDemandsTLSSharesNoConnectionInClear() async throws {
        let fixture = try await Fixture(partitions: 1)
        let peer = try await ScriptedPeer()
        let node = try await fixture.start(
            try Fixture.configuration(
                routes: """
                    clear.test: {relay: 127.0.0.1:\(peer.port)}
                    secret.test: {relay: 127.0.0.1:\(peer.port), tls: required}
                    """))
        try await fixture.spool.put([try Fixture.message(to: ["a@clear.test"])])
        try await wait(until: "a connection is open and idle") { try await node.isQuiet() }
        try await fixture.spool.put([try Fixture.message(to: ["b@secret.test"])])
        try await wait(until: "the peer without TLS was refused") { try await fixture.events.count("deferred") > 0 }
        let deferred = try await fixture.events.all("deferred")
        #expect(deferred.allSatisfy { $0.recipient == "b@secret.test" && $0.class == "tls_required" })
        #expect(peer.taken.map(\.recipients) == [["a@clear.test"]])
        try await node.stop()
        await fixture.close()
    }

    /// The one message that is called when a back-off ends may leave from another source: the others are called too.
    @Test func parkedMailOfSeveralSourcesIsCalledWithoutNewMail() async throws {
        let fixture = try await Fixture(partitions: 1)
        let port = try LoopbackPort.free()
        let configuration = try Fixture.configuration(routes: Fixture.relay(port)) { sender in
            for name in ["s1", "s2", "s3"] {
                sender.sources.append(
                    SourceConfiguration(
                        name: name, address: IPAddress("127.0.0.\(10 + sender.sources.count)"),
                        ehlo: Domain(canonical: "\(name).test")))
            }
            sender.pools = [
                PoolConfiguration(name: "p", members: ["s1", "s2", "s3"].map { .init(source: $0, weight: 1) })
            ]
            sender.defaultPool = "p"
        }
        let node = try await fixture.start(configuration)
        try await fixture.spool.put(try (0..<30).map { try Fixture.message(to: ["r\($0)@a.test"]) })
        try await wait(until: "all wait") { try await fixture.spool.liveEntries().count == 30 }
        let peer = try await ScriptedPeer(port: port)
        try await wait(until: "all have ended") { try await node.isQuiet() }
        #expect(peer.taken.count == 30)
        #expect(await node.differences() == [0])
        try await node.stop()
        await fixture.close()
    }
}
