import MailModel
import MailTestKit
import NIOCore
import NodeRuntime
import Spool
import Testing

/// What becomes of a message between the final dot and the spool.
@Suite struct AcceptanceTests {
    @Test func theRecordIsTheMessageWithATraceField() async throws {
        let node = try await IngressNode()
        let results = try await node.send(to: ["r@anywhere.test"])
        let message = try #require(try node.spool.messages().first)
        #expect(results.map(\.codes) == ["250 2.0.0"])
        #expect(results[0].reply?.text == "queued as \(message.queueID)")
        let text = String(buffer: message.content)
        #expect(text.hasPrefix("Received: from client.test "))
        let trace = text.prefix { $0 != ";" }
        for part in ["127.0.0.1", "by mta.test", "with ESMTP", "id \(message.queueID)", "for <r@anywhere.test>"] {
            #expect(trace.contains(part), "without \(part): \(trace)")
        }
        #expect(text.hasSuffix("Message-ID: <m@test>\r\nSubject: s\r\n\r\nhello\r\n"))
        #expect(message.messageID == "<m@test>" && message.envelope.reversePath.description == "from@client.test")
        #expect(message.origin.listener == "inside" && message.origin.ehlo == "client.test")
        #expect(message.origin.node == "node1" && message.origin.clientAddress == "127.0.0.1")
        #expect(message.origin.failureDSN)
        try await node.stop()
    }

    @Test func aMessageIsSplitByDomainAndNumber() async throws {
        let node = try await IngressNode { $0.ingress.recipientsLimit = 500 }
        let recipients = (0..<250).map { "r\($0)@big.test" } + ["a@small.test", "b@SMALL.test", "c@third.test"]
        let results = try await node.send(to: recipients)
        #expect(results.allSatisfy { $0.codes == "250 2.0.0" })
        #expect(node.spool.mail.count == 1, "one append, so that all parts are in the spool or none is promised")
        let parts = try node.spool.messages()
        #expect(parts.map { $0.envelope.recipients.count } == [100, 100, 50, 2, 1])
        #expect(parts.map(\.domain.name) == ["big.test", "big.test", "big.test", "small.test", "third.test"])
        #expect(Set(parts.map(\.queueID)).count == 1)
        #expect(parts.map(\.part) == [0, 1, 2, 3, 4] && parts.allSatisfy { $0.parts == 5 })
        #expect(parts.flatMap { $0.envelope.recipients.map(\.index) } == Array(0..<253))
        #expect(node.spool.mail[0].map(\.key) == parts.map(\.domain.name))
        #expect(Set(parts.map(\.content)).count == 1)
        #expect(!String(buffer: parts[0].content).contains("for <"), "other recipients are nobody's business")
        try await node.stop()
    }

    @Test func recipientsOfOneTransactionMayBeFewer() async throws {
        let node = try await IngressNode { $0.sender.recipientsPerTransaction = 2 }
        _ = try await node.send(to: (0..<5).map { "r\($0)@own.test" })
        #expect(try node.spool.messages().map { $0.envelope.recipients.count } == [2, 2, 1])
        try await node.stop()
    }

    // MARK: Wishes

    private static let wishes = """
        X-Apus-Tenant: acme\r\nX-Job: spring\r\nx-apus-priority: 70\r\nX-Apus-Lifetime: 2h\r\nX-Apus-Tag-Segment: gold\r\n
        """

    @Test func wishesOfTrustedClientsAreReadAndRemoved() async throws {
        let node = try await IngressNode()
        _ = try await node.send(to: ["r@own.test"], fields: Self.wishes)
        let message = try #require(try node.spool.messages().first)
        #expect(message.wishes.tenant == "acme" && message.wishes.campaign == "spring")
        #expect(message.wishes.priority == 70 && message.wishes.lifetime == .seconds(7200))
        #expect(message.wishes.tags == [Wishes.Tag(name: "segment", value: "gold")])
        let text = String(buffer: message.content).lowercased()
        #expect(!text.contains("x-apus") && !text.contains("x-job") && text.contains("subject: s\r\n"))
        try await node.stop()
    }

    @Test func wishesOfOthersAreOnlyRemoved() async throws {
        let node = try await IngressNode()
        let results = try await node.send(
            to: ["r@own.test"], fields: Self.wishes + "X-Apus-Pool: none\r\nX-Apus-Nonsense: 1\r\n",
            through: node.outside)
        #expect(results.map(\.codes) == ["250 2.0.0"])
        let message = try #require(try node.spool.messages().first)
        #expect(message.wishes == Wishes())
        #expect(!String(buffer: message.content).lowercased().contains("x-apus"))
        #expect(!message.origin.failureDSN)
        try await node.stop()
    }

    @Test(arguments: [
        ("X-Apus-Priority: high", ["X-Apus-Priority", "high"]), ("X-Apus-Lifetime: soon", ["X-Apus-Lifetime", "soon"]),
        ("X-Apus-Nonsense: 1", ["X-Apus-Nonsense"]), ("X-Apus-Pool: none", ["pool", "none"]),
    ]) func aWishThatCannotBeHonouredRefuses(field: String, words: [String]) async throws {
        let node = try await IngressNode()
        let results = try await node.send(to: ["r@own.test"], fields: field + "\r\n")
        let reply = try #require(results.first?.reply)
        #expect(reply.code == 550 && reply.enhanced == "5.6.0")
        for word in words { #expect(reply.text.contains(word), "without \(word): \(reply.text)") }
        #expect(node.spool.mail.isEmpty)
        #expect(node.spool.events.count == 1 && node.spool.events[0].contains("\"rejected\""))
        try await node.stop()
    }
}
