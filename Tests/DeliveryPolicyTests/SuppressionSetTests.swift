import DeliveryPolicy
import MailModel
import Testing

@Suite struct SuppressionSetTests {
    private static let now = Timestamp(milliseconds: 1_800_000_000_000)

    private static func key(_ text: String, tenant: String? = nil) throws -> SuppressionKey {
        SuppressionKey(tenant: tenant, try #require(SuppressionTarget(text)))
    }

    private static func entry(
        _ text: String, tenant: String? = nil, expiry: Timestamp? = nil, reason: String? = nil
    ) throws -> Suppression {
        Suppression(try key(text, tenant: tenant), .manual, created: now, expiry: expiry, reason: reason, actor: "ann")
    }

    private static func matched(
        _ set: SuppressionSet, _ mailbox: String, tenant: String? = nil, at now: Timestamp = now
    ) throws -> String? {
        set.match(try #require(Mailbox(mailbox)), tenant: tenant, at: now).map { "\($0.key)" }
    }

    @Test func mailboxesMatchInAnyCase() throws {
        var set = SuppressionSet()
        #expect(set.isEmpty)
        #expect(try Self.matched(set, "ann@example.org") == nil)
        set.insert(try Self.entry("Ann@Example.org", reason: "asked"))
        #expect(try Self.matched(set, "aNN@example.ORG") == "suppress//ann@example.org")
        #expect(try Self.matched(set, "\"ANN\"@example.org") != nil, "quotes are no part of it")
        #expect(try Self.matched(set, "ann@sub.example.org") == nil)
        #expect(try Self.matched(set, "anna@example.org") == nil)
        let match = set.match(try #require(Mailbox("ann@example.org")), tenant: nil, at: Self.now)
        #expect(match?.note == SuppressionSet.Note(source: .manual, reason: "asked", actor: "ann"))
        set.remove(try Self.key("ANN@example.org"))
        set.remove(try Self.key("ANN@example.org"))
        #expect(try Self.matched(set, "ann@example.org") == nil)
        #expect(set.isEmpty)
    }

    @Test func aDomainIsNotItsSubdomains() throws {
        var set = SuppressionSet()
        set.insert(try Self.entry("example.org"))
        #expect(try Self.matched(set, "ann@example.org") == "suppress//example.org")
        #expect(try Self.matched(set, "ann@a.example.org") == nil)
        set.insert(try Self.entry("*.example.org"))
        #expect(try Self.matched(set, "ann@a.example.org") == "suppress//*.example.org")
        #expect(try Self.matched(set, "ann@a.b.example.org") == "suppress//*.example.org")
        #expect(try Self.matched(set, "ann@anexample.org") == nil)
        set.remove(try Self.key("example.org"))
        #expect(try Self.matched(set, "ann@example.org") == nil)
        #expect(try Self.matched(set, "ann@[192.0.2.1]") == nil)
    }

    @Test func tenantsHaveTheirOwn() throws {
        var set = SuppressionSet()
        set.insert(try Self.entry("ann@example.org", tenant: "t1"))
        #expect(try Self.matched(set, "ann@example.org") == nil)
        #expect(try Self.matched(set, "ann@example.org", tenant: "t2") == nil)
        #expect(try Self.matched(set, "ann@example.org", tenant: "t1") == "suppress/t1/ann@example.org")
        set.insert(try Self.entry("ann@example.org"))
        #expect(try Self.matched(set, "ann@example.org", tenant: "t2") == "suppress//ann@example.org")
        #expect(try Self.matched(set, "ann@example.org", tenant: "t1") == "suppress/t1/ann@example.org")
        set.remove(try Self.key("ann@example.org", tenant: "t1"))
        #expect(try Self.matched(set, "ann@example.org", tenant: "t1") == "suppress//ann@example.org")
        #expect(set.count == 1)
    }

    @Test func entriesExpire() throws {
        var set = SuppressionSet()
        let expiry = Self.now + .milliseconds(500)
        set.insert(try Self.entry("ann@example.org", expiry: expiry))
        #expect(try Self.matched(set, "ann@example.org") != nil)
        #expect(try Self.matched(set, "ann@example.org", at: Self.now + .milliseconds(999)) != nil, "whole seconds")
        #expect(try Self.matched(set, "ann@example.org", at: Self.now + .seconds(1)) == nil)
        set.insert(try Self.entry("ann@example.org"))
        #expect(try Self.matched(set, "ann@example.org", at: Self.now + .seconds(1_000_000_000)) != nil, "renewed")
        #expect(set.count == 1)
    }

    @Test func reasonsAreBounded() throws {
        var set = SuppressionSet()
        let long = String(repeating: "x", count: 240)
        for number in 0..<30_000 { set.insert(try Self.entry("r\(number)@example.org", reason: "\(long)\(number)")) }
        let first = set.match(try #require(Mailbox("r0@example.org")), tenant: nil, at: Self.now)
        let last = set.match(try #require(Mailbox("r29999@example.org")), tenant: nil, at: Self.now)
        #expect(first?.note.reason == long + "0")
        #expect(last?.note == SuppressionSet.Note(source: .manual), "the list itself still has it")
    }

    /// At most 65 bytes an entry whatever the number: well under 100 MB for a million.
    @Test func anEntryIsSmall() throws {
        var set = SuppressionSet()
        var most = 0
        for number in 0..<200_000 {
            set.insert(try Self.entry("recipient\(number)@example.org", reason: "unsubscribed"))
            if number % 1000 == 999, number > 100_000 { most = max(most, set.memory / set.count) }
        }
        #expect(set.count == 200_000)
        #expect((24...65).contains(most), "\(most) bytes an entry")
        #expect(try Self.matched(set, "Recipient199999@example.org") != nil)
        #expect(try Self.matched(set, "recipient200000@example.org") == nil)
    }
}
