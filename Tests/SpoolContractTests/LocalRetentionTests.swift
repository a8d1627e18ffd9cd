import LocalSpool
import MailModel
import NIOCore
import Spool
import Testing

/// What the embedded spool removes, and when.
@Suite("Embedded spool: retention")
struct LocalRetentionTests {
    private func mail(_ count: Int) -> [SpoolRecord] {
        (0..<count).map { SpoolRecord(.mail, key: "k\($0)", partition: 2, value: bytes("v")) }
    }

    private func commit(_ member: any Subscription, _ offset: Int64, _ records: [SpoolRecord] = []) async throws {
        try await member.commit(
            SpoolTransaction(
                records: records, positions: [CommittedPosition(partition: 2, offset: offset, metadata: "")]))
    }

    @Test("a mail record goes when it is old, finished by every group, and no entry refers to it")
    func mailRecords() async throws {
        let fixture = try LocalFixture()
        defer { fixture.remove() }
        let spool = try fixture.openLocal()
        let positions = try await spool.append(mail(10))
        let later = Timestamp.now() + .seconds(25 * 3600)
        #expect(try await spool.cleanOnce(now: later).mail == 0, "nobody has read it")
        let first = try await spool.join(group: "a", topic: .mail)
        let second = try await spool.join(group: "b", topic: .mail)
        _ = try await first.nextAssignment()
        _ = try await second.nextAssignment()
        var entry = SpoolRecord(.schedule, key: "q/0", partition: 2, value: bytes("entry"))
        entry.reference = positions[1].offset
        try await commit(first, positions[4].offset, [entry])
        try await commit(second, positions[8].offset)
        #expect(try await spool.cleanOnce(now: .now()).mail == 0, "it is within the replay window")
        #expect(try await spool.cleanOnce(now: later).mail == 3)
        let left = try await spool.read(positions, of: .mail).map { $0 != nil }
        #expect(left == [false, true, false, false, true, true, true, true, true, true])
        try await commit(first, positions[4].offset, [SpoolRecord(.schedule, key: "q/0", partition: 2, value: nil)])
        #expect(try await spool.cleanOnce(now: later).mail == 1)
        await spool.close()
    }

    @Test("a new entry of the same key carries the reference on")
    func replacedReference() async throws {
        let fixture = try LocalFixture()
        defer { fixture.remove() }
        let spool = try fixture.openLocal()
        let positions = try await spool.append(mail(2))
        let member = try await spool.join(group: "a", topic: .mail)
        _ = try await member.nextAssignment()
        for round in 0..<3 {
            var entry = SpoolRecord(.schedule, key: "q/0", partition: 2, value: bytes("\(round)"))
            entry.reference = positions[0].offset
            try await commit(member, positions[1].offset + 1, [entry])
        }
        let later = Timestamp.now() + .seconds(25 * 3600)
        #expect(try await spool.cleanOnce(now: later).mail == 1)
        #expect(try await spool.read(positions, of: .mail).map { $0 != nil } == [true, false])
        await spool.close()
    }

    @Test("a suppression stays until its tombstone, however old")
    func suppressions() async throws {
        let fixture = try LocalFixture()
        defer { fixture.remove() }
        let spool = try fixture.openLocal()
        let keys = try ["ann@a.test", "b.test"].map { SuppressionKey(tenant: nil, try #require(SuppressionTarget($0))) }
        try await spool.append(
            keys.map { SpoolRecord(.suppression(Suppression($0, .manual, created: .now()))) } + [
                SpoolRecord(ending: keys[1])
            ])
        let report = try await spool.cleanOnce(now: .now() + .seconds(10 * 365 * 86400))
        #expect(report.tombstones == 1)
        #expect(try await spool.follow(.control, from: .beginning).rest().map(\.key) == ["suppress//ann@a.test"])
        await spool.close()
    }

    @Test("events and limit records go by age, tombstones after an hour")
    func byAge() async throws {
        let fixture = try LocalFixture()
        defer { fixture.remove() }
        let spool = try fixture.openLocal()
        try await spool.append(
            (0..<1300).map { SpoolRecord(.events, key: "\($0)", value: bytes("{}")) }
                + [SpoolRecord(.limitGrants, key: "n", value: bytes("1"))]
                + (0..<600).map { SpoolRecord(.schedule, key: "\($0)", partition: 0, value: nil) }
                + [SpoolRecord(.schedule, key: "kept", partition: 0, value: bytes("1"))])
        let now = Timestamp.now()
        #expect(try await spool.cleanOnce(now: now) == CleaningReport())
        let hour = try await spool.cleanOnce(now: now + .seconds(3700))
        #expect(hour == CleaningReport(mail: 0, events: 0, limits: 1, tombstones: 600))
        #expect(try await spool.cleanOnce(now: now + .seconds(8 * 86400)).events == 1300)
        #expect(try await spool.follow(.events, from: .beginning).rest().isEmpty)
        #expect(try await spool.follow(.schedule, from: .beginning).rest().map(\.key) == ["kept"])
        await spool.close()
    }
}
