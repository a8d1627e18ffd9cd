import MailModel
import NIOCore
import Spool
import Testing

/// What every spool does with compacted topics and with what is past its time.
@Suite("Spool contract: compaction and retention")
struct CompactionContractTests {
    @Test("a replay shows the latest record of each key", arguments: SpoolKind.allCases)
    func replay(_ kind: SpoolKind) async throws {
        let fixture = try kind.makeFixture()
        defer { fixture.remove() }
        var spool = try await fixture.open()
        for round in 0..<3 {
            try await spool.append(
                (0..<1200).map { SpoolRecord(.schedule, key: "k\($0)", partition: 5, value: bytes("\(round)")) })
        }
        try await spool.append([
            SpoolRecord(.schedule, key: "k7", partition: 5, value: nil),
            SpoolRecord(.schedule, key: "k8", partition: 5, value: bytes("last")),
            SpoolRecord(.schedule, key: "k9", partition: 6, value: bytes("other partition")),
        ])
        for _ in 0..<2 {
            let latest = try await latest(of: spool, partition: 5)
            #expect(latest.count == 1199)
            #expect(latest["k7"] == nil)
            #expect(latest["k8"] == "last")
            #expect(latest["k9"] == "2")
            #expect(try await self.latest(of: spool, partition: 6) == ["k9": "other partition"])
            #expect(try await self.latest(of: spool, partition: 7).isEmpty)
            await spool.close()
            spool = try await fixture.open()
        }
        await spool.close()
    }

    private func latest(of spool: any Spool, partition: Int) async throws -> [String: String] {
        let seen = Collected<[StoredRecord]>()
        try await spool.replay(.schedule, partition: partition) { seen.add($0) }
        var latest: [String: StoredRecord] = [:]
        for record in seen.all.joined() {
            #expect(record.position.partition == partition)
            if let older = latest[record.key] { #expect(older.position < record.position) }
            latest[record.key] = record
        }
        return latest.compactMapValues(\.text)
    }

    @Test("followers of a compacted topic see keys change and end", arguments: SpoolKind.allCases)
    func tombstones(_ kind: SpoolKind) async throws {
        try await withSpool(kind) { spool, _ in
            try await spool.append([SpoolRecord(.control, key: "a", value: bytes("1"))])
            let stream = try await spool.follow(.control, from: .beginning)
            #expect(try await stream.nextRecords(1).map(\.text) == ["1"])
            try await spool.append([SpoolRecord(.control, key: "a", value: bytes("2"))])
            try await spool.append([SpoolRecord(.control, key: "a", value: nil)])
            let records = try await stream.nextRecords(2)
            #expect(records.map(\.text) == ["2", nil])
            let late = try await spool.follow(.control, from: .beginning)
            #expect(try await late.nextRecords(1).last?.value == nil)
        }
    }

    @Test("offsets of removed records are not given again", arguments: SpoolKind.allCases)
    func offsetsAfterCleaning(_ kind: SpoolKind) async throws {
        let fixture = try kind.makeFixture()
        defer { fixture.remove() }
        let spool = try await fixture.open()
        let events = try await spool.append((0..<50).map { _ in SpoolRecord(.events, key: "q", value: bytes("x")) })
        let ended = try await spool.append([SpoolRecord(.control, key: "a", value: nil)])
        let ends = try await spool.endOffsets(of: .events)
        try await fixture.clean(spool, now: .now() + .seconds(60 * 86400))
        await spool.close()
        let again = try await fixture.open()
        #expect(try await again.endOffsets(of: .events) == ends)
        let later = try await again.append([SpoolRecord(.events, key: "q", value: bytes("y"))])
        #expect(later[0].offset > (events.map(\.offset).max() ?? 0))
        let control = try await again.append([SpoolRecord(.control, key: "b", value: bytes("y"))])
        #expect(control[0].offset > ended[0].offset)
        await again.close()
    }
}
