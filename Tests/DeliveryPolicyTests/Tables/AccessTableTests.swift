import DeliveryPolicy
import MailModel
import Testing

/// access(5) of Postfix and the access file of Sendmail.
@Suite struct AccessTableTests {
    private static func action(_ text: String) -> AccessAction? { try? AccessAction.parse(text).get() }

    @Test(arguments: [
        ("REJECT", 554, "5.7.1", "Access denied"), ("reject Go away", 554, "5.7.1", "Go away"),
        ("REJECT 5.1.1 Gone", 554, "5.1.1", "Gone"), ("550 5.7.1 No", 550, "5.7.1", "No"),
        ("451 Later", 451, "4.7.1", "Later"), ("DEFER", 450, "4.7.1", "Try again later"),
        ("ERROR:\"550 We do not take it\"", 550, "5.7.1", "We do not take it"),
        ("ERROR:5.1.8:553 No", 553, "5.1.8", "No"),
    ])
    func refusals(text: String, code: Int, enhanced: String, said: String) {
        guard case .refuse(let reply) = Self.action(text) else {
            Issue.record("\(text) is no refusal")
            return
        }
        #expect(Int(reply.code) == code && reply.enhanced == enhanced && reply.text == said)
    }

    @Test func otherActions() {
        #expect(Self.action("OK") == .ok && Self.action("ok") == .ok && Self.action("1234567890") == .ok)
        #expect(Self.action("DUNNO") == .dunno && Self.action("DISCARD because") == .discard)
        for text in ["RELAY", "FILTER smtp:x", "HOLD", "600 x", "550 4.7.1 x", "nonsense"] {
            #expect(Self.action(text) == nil, "\(text)")
        }
    }

    private static func table(_ text: String, _ subject: AccessTable.Subject) -> TableReading<AccessTable> {
        AccessTable.read(Array(text.utf8), subject: subject, entryLimit: 100)
    }

    private static let clients = table(
        """
        10 REJECT ten
        10.1.2 OK
        10.1.2.3 REJECT three
        192.0.2.0/25 450 half
        192.0.2.7 DUNNO
        198.51.100. REJECT dotted
        2001:db8 REJECT six
        [2001:db8::1] OK
        Connect:203.0.113 REJECT tag
        From:203.0.114 REJECT other
        """, .client)

    @Test(arguments: [
        ("10.9.9.9", "ten"), ("10.1.2.9", "ok"), ("10.1.2.3", "three"), ("192.0.2.1", "half"), ("192.0.2.7", "dunno"),
        ("192.0.2.200", "none"), ("198.51.100.4", "dotted"), ("2001:db8:1::2", "six"), ("2001:db8::1", "ok"),
        ("203.0.113.1", "tag"), ("203.0.114.1", "none"), ("::1", "none"),
    ])
    func clients(address: String, result: String) throws {
        #expect(Self.clients.problems == [])
        #expect(Self.text(Self.clients.table.action(ofClient: try #require(IPAddress(address)))) == result)
    }

    private static let addresses = table(
        """
        <> OK
        joe@example.org REJECT joe
        joe+list@example.org REJECT list
        example.org REJECT domain
        sub.example.net DUNNO
        .example.net REJECT below
        example.com REJECT com
        spam@ REJECT user
        To:bob@x.test REJECT to
        """, .recipient)

    @Test(arguments: [
        ("joe@example.org", "joe"), ("JOE@example.org", "joe"), ("joe+x@example.org", "joe"),
        ("joe+list@example.org", "list"), ("ann@example.org", "domain"), ("ann@a.b.example.org", "domain"),
        ("a@example.net", "none"), ("a@x.example.net", "below"), ("a@sub.example.net", "dunno"),
        ("a@x.sub.example.net", "dunno"), ("spam@else.test", "user"), ("spam@example.com", "com"), ("bob@x.test", "to"),
    ])
    func addresses(address: String, result: String) throws {
        let rules = RewriteRules(localDomains: [], origin: Domain(canonical: "x"), delimiters: "+")
        let mailbox = try #require(Mailbox(address))
        #expect(Self.text(Self.addresses.table.action(of: mailbox, delimiters: rules)) == result)
        #expect(Self.addresses.table.action(of: nil, delimiters: rules) == .ok)
    }

    @Test func whatClientTablesCannotHave() {
        let names = Self.table("host.example.org REJECT\n10.0.0.0/8 OK\n10.0.0.0/8 REJECT\n", .client)
        #expect(names.errors == [] && names.problems.map(\.line) == [1, 3])
        #expect(Self.table("a@b.test FROB\n", .sender).errors.map(\.line) == [1])
        #expect(Self.table("a@b.test DISCARD\n", .sender).table.discards)
    }

    private static func text(_ action: AccessAction?) -> String {
        switch action {
        case nil: "none"
        case .ok: "ok"
        case .dunno: "dunno"
        case .discard: "discard"
        case .refuse(let reply): reply.text
        }
    }
}
