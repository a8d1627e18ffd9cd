import MailModel
import MailTestKit
import NodeRuntime
import Sender
import Spool
import Testing

/// Notices that mail waits: to whom, and once.
@Suite struct DelayNoticeTests {
    /// Defers all mail but that to originators.
    private static let busy: ScriptedPeer.Script = { step in
        if case .rcpt(let recipient) = step, !recipient.hasPrefix("origin") { return .reply("451 4.2.2 mailbox full") }
        return .reply(ScriptedPeer.agreement(to: step))
    }

    private func configuration(
        _ port: Int, for scope: DSNConfiguration.DelayScope = .personal
    ) throws -> NodeConfiguration {
        try Fixture.configuration(routes: Fixture.relay(port)) { sender in
            sender.dsn.delay = .milliseconds(150)
            sender.dsn.delayFor = scope
        }
    }

    /// Content of the DSNs so far.
    private func notices(_ peer: ScriptedPeer) -> [String] {
        peer.taken.filter { $0.recipients == ["origin@origin.test"] }.map(\.content)
    }

    @Test func onceARecipient() async throws {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer(Self.busy)
        let node = try await fixture.start(try configuration(peer.port))
        let message = try Fixture.message(to: ["a@a.test", "b@a.test"], dsn: true)
        try await fixture.spool.put([message])
        try await wait(until: "it was told") { notices(peer).count == 1 }
        let attempts = try await fixture.events.count("deferred")
        try await wait(until: "more attempts are made") { try await fixture.events.count("deferred") >= attempts + 6 }
        let text = try #require(notices(peer).first)
        #expect(notices(peer).count == 1)
        for part in [
            "Action: delayed", "Status: 4.2.2", "Will-Retry-Until: ", "Final-Recipient: rfc822; a@a.test",
            "Final-Recipient: rfc822; b@a.test", "Subject: Delayed Mail", "mailbox full", "\(message.queueID)",
            "Content-Type: text/rfc822-headers",
        ] {
            #expect(text.contains(part), "without \(part): \(text)")
        }
        let told = try await fixture.events.all("delay_notified")
        #expect(told.map(\.recipient).sorted() == ["a@a.test", "b@a.test"])
        #expect(told.allSatisfy { $0.reply?.text == "mailbox full" && $0.queueID == "\(message.queueID)" })
        peer.change(ScriptedPeer.welcome)
        try await wait(until: "it is delivered") { try await node.isQuiet() }
        #expect(await node.differences() == [0, 0, 0, 0])
        #expect(try await fixture.spool.liveEntries().isEmpty)
        try await node.stop()
        await fixture.close()
    }

    /// RFC 3461 §4.1: NOTIFY decides; without it a campaign is told of only where the configuration says so.
    @Test(arguments: DSNConfiguration.DelayScope.allCases) func whoIsTold(scope: DSNConfiguration.DelayScope)
        async throws
    {
        let fixture = try await Fixture()
        let peer = try await ScriptedPeer(Self.busy)
        let node = try await fixture.start(try configuration(peer.port, for: scope))
        var campaign = try Fixture.message(to: ["campaign@a.test"], dsn: true)
        campaign.wishes.campaign = "spring"
        var asked = try Fixture.message(to: ["asked@a.test"], notify: [.delay], dsn: true)
        asked.wishes.campaign = "spring"
        try await fixture.spool.put([
            campaign, asked, try Fixture.message(to: ["plain@a.test"], dsn: true),
            try Fixture.message(to: ["failure@a.test"], notify: [.failure], dsn: true),
            try Fixture.message(to: ["never@a.test"], notify: .never, dsn: true),
            try Fixture.message(to: ["null@a.test"], from: "", notify: [.delay], dsn: true),
            try Fixture.message(to: ["silent@a.test"], notify: [.delay], dsn: false),
            try Fixture.message(to: ["short@a.test"], dsn: true, lifetime: .milliseconds(100)),
        ])
        try await wait(until: "all were tried for long enough") {
            let deferred = try await fixture.events.all("deferred")
            let counts = Dictionary(grouping: deferred, by: \.recipient).mapValues(\.count)
            let names = ["campaign", "asked", "plain", "failure", "never", "null", "silent"]
            return names.allSatisfy { counts["\($0)@a.test"] ?? 0 >= 8 }
        }
        let told = Set(try await fixture.events.all("delay_notified").map(\.recipient))
        let expected: [DSNConfiguration.DelayScope: Set<String>] = [
            .requested: ["asked@a.test"], .personal: ["asked@a.test", "plain@a.test"],
            .all: ["asked@a.test", "plain@a.test", "campaign@a.test"],
        ]
        #expect(told == expected[scope])
        try await node.stop()
        await fixture.close()
    }

    /// Hosts that do not answer: most of their mail waits without an attempt of its own, and is told of all the same.
    @Test func whatIsParkedIsToldOf() async throws {
        let fixture = try await Fixture(partitions: 1)
        let (dead, origin) = (try LoopbackPort.free(), try await ScriptedPeer())
        let configuration = try Fixture.configuration(
            routes: """
                origin.test: {relay: 127.0.0.1:\(origin.port)}
                "*": {relay: 127.0.0.1:\(dead)}
                """
        ) { sender in
            sender.dsn.delay = .milliseconds(300)
            sender.deadHost.first = .seconds(600)
            sender.deadHost.max = .seconds(600)
        }
        let node = try await fixture.start(configuration)
        try await fixture.spool.put(try (0..<5).map { try Fixture.message(to: ["r\($0)@a.test"], dsn: true) })
        // The probe's own retry comes late as well: it is deferred for as long as the lane is down.
        try await wait(until: "the parked ones were told of") { notices(origin).count >= 4 }
        let told = try await fixture.events.all("delay_notified")
        #expect(Set(told.map(\.recipient)).count == told.count && told.count >= 4)
        #expect(notices(origin).allSatisfy { $0.contains("Action: delayed") && $0.contains("cannot connect") })
        try await node.stop()
        await fixture.close()
    }
}
