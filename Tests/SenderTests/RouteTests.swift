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
        #expect(deferred.allSatisfy { $0.recipient == "b@secret.test" && $0.class == "bad-connection" })
        #expect(peer.taken.map(\.recipients) == [["a@clear.test"]])
        try await node.stop()
        await fixture.close()
    }

    private static func pool(_ names: [String], _ sender: inout SenderConfiguration) {
        sender.sources += names.enumerated().map { index, name in
            SourceConfiguration(
                name: name, address: IPAddress("127.0.0.\(11 + index)"), ehlo: Domain(canonical: "\(name).test"))
        }
        sender.pools = [PoolConfiguration(name: "p", members: names.map { .init(source: $0, weight: 1) })]
        sender.defaultPool = "p"
    }

    /// Refused by policy at the greeting: next host, next source, then deferred (DESIGN §9). No message fails.
    @Test func aSourceThatIsRefusedIsPassedOver() async throws {
        let fixture = try await Fixture(partitions: 1)
        let peer = try await ScriptedPeer { step in
            if case .greeting("127.0.0.11") = step { return .reply("554 5.7.1 your address is blocked") }
            return .reply(ScriptedPeer.agreement(to: step))
        }
        let node = try await fixture.start(
            try Fixture.configuration(routes: Fixture.relay(peer.port)) { sender in
                Self.pool(["blocked", "welcome"], &sender)
                sender.deadHost.first = .seconds(600)
                sender.deadHost.max = .seconds(600)
            })
        try await fixture.spool.put(try (0..<20).map { try Fixture.message(to: ["r\($0)@a.test"]) })
        try await wait(until: "all have ended") { try await node.isQuiet() }
        #expect(peer.taken.count == 20)
        let events = try await fixture.events.all()
        #expect(Set(events.map(\.type)) == ["accepted", "delivered"])
        #expect(events.filter { $0.type == "delivered" }.allSatisfy { $0.source == "welcome" && $0.attempt == 1 })
        #expect(await node.differences() == [0])
        try await node.stop()
        await fixture.close()
    }

    @Test func refusedToAllSourcesMailIsDeferred() async throws {
        let fixture = try await Fixture(partitions: 1)
        let peer = try await ScriptedPeer { step in
            if case .greeting = step { return .reply("554 5.7.1 go away") }
            return .reply(ScriptedPeer.agreement(to: step))
        }
        let node = try await fixture.start(
            try Fixture.configuration(routes: Fixture.relay(peer.port), retry: .seconds(600)) { sender in
                Self.pool(["s1", "s2"], &sender)
            })
        try await fixture.spool.put([try Fixture.message(to: ["r@a.test"])])
        try await wait(until: "it is deferred") { try await fixture.events.count("deferred") == 1 }
        #expect(peer.connections >= 2)
        #expect(try await fixture.events.count("failed") == 0)
        let deferred = try await fixture.events.all("deferred")
        #expect(deferred.allSatisfy { $0.attempt == 1 && $0.reply?.text == "go away" })
        try await node.stop()
        await fixture.close()
    }

    /// The one message that is called when a back-off ends may leave from another source: the others are called too.
    @Test func parkedMailOfSeveralSourcesIsCalledWithoutNewMail() async throws {
        let fixture = try await Fixture(partitions: 1)
        let port = try LoopbackPort.free()
        let configuration = try Fixture.configuration(routes: Fixture.relay(port)) { sender in
            Self.pool(["s1", "s2", "s3"], &sender)
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
