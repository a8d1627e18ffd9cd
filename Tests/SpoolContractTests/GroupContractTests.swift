import MailModel
import NIOCore
import Spool
import Testing

/// What every spool does with consumer groups and transactions.
@Suite("Spool contract: groups and transactions", .timeLimit(.minutes(10)))
struct GroupContractTests {
    @Test("the first member owns all; records flow from where it begins", arguments: SpoolKind.allCases)
    func flow(_ kind: SpoolKind) async throws {
        try await withSpool(kind) { spool, _ in
            let before = try await spool.append(
                (0..<30).map { SpoolRecord(.mail, key: "k", partition: $0 % 3, value: bytes("\($0)")) })
            let member = try await spool.join(group: "senders", topic: .mail)
            let assigned = try await member.nextAssignment()
            #expect(assigned.map(\.partition).sorted() == Array(0..<64))
            #expect(assigned.allSatisfy { $0.committed == nil })
            member.begin(partition: 0, at: 0)
            member.begin(partition: 1, at: before[16].offset)
            let old = try await member.nextRecords(15)
            #expect(old.filter { $0.position.partition == 0 }.map(\.text) == (0..<10).map { "\($0 * 3)" })
            #expect(old.filter { $0.position.partition == 1 }.map(\.text) == ["16", "19", "22", "25", "28"])
            try await spool.append(
                (0..<6).map { SpoolRecord(.mail, key: "k", partition: $0 % 3, value: bytes("n\($0)")) })
            #expect(Set(try await member.nextRecords(4).compactMap(\.text)) == ["n0", "n1", "n3", "n4"])
            await member.leave()
            #expect(try await member.next() == nil)
        }
    }

    @Test("records and positions of a transaction come together or not at all", arguments: SpoolKind.allCases)
    func transactions(_ kind: SpoolKind) async throws {
        let fixture = try kind.makeFixture()
        defer { fixture.remove() }
        let spool = try await fixture.open()
        let member = try await spool.join(group: "senders", topic: .mail)
        _ = try await member.nextAssignment()
        let ledger = String(repeating: "Q", count: 3000)
        let positions = try await member.commit(
            SpoolTransaction(
                records: [
                    SpoolRecord(.events, key: "q", partition: 1, value: bytes("event")),
                    SpoolRecord(.schedule, key: "q/0", partition: 3, value: bytes("entry")),
                ], positions: [CommittedPosition(partition: 3, offset: 17, metadata: ledger)]))
        #expect(positions.count == 2)
        #expect(try await spool.read([positions[0]], of: .events).first??.text == "event")
        let events = try await spool.endOffsets(of: .events)
        await #expect(throws: SpoolError.self) {
            try await member.commit(
                SpoolTransaction(
                    records: [
                        SpoolRecord(.events, key: "q", value: bytes("never")),
                        SpoolRecord(.mail, key: "q", value: ByteBuffer(repeating: 0, count: 300 << 20)),
                    ], positions: [CommittedPosition(partition: 3, offset: 99, metadata: "")]))
        }
        #expect(try await spool.endOffsets(of: .events) == events)
        await member.leave()
        await spool.close()
        let again = try await fixture.open()
        let committed = try await again.committed(group: "senders", topic: .mail)
        #expect(committed[3] == CommittedPosition(partition: 3, offset: 17, metadata: ledger))
        #expect(committed.compactMap { $0 }.count == 1)
        let successor = try await again.join(group: "senders", topic: .mail)
        let assignment = try await successor.nextAssignment().first { $0.partition == 3 }
        #expect(assignment?.committed == committed[3])
        #expect(try await again.committed(group: "others", topic: .mail).allSatisfy { $0 == nil })
        await again.close()
    }

    @Test("transactions of a member are applied in the order of the calls", arguments: SpoolKind.allCases)
    func transactionOrder(_ kind: SpoolKind) async throws {
        try await withSpool(kind) { spool, _ in
            let member = try await spool.join(group: "senders", topic: .mail)
            _ = try await member.nextAssignment()
            let told = Collected<Int64>()
            await withCheckedContinuation { (end: CheckedContinuation<Void, Never>) in
                for number in Int64(0)..<200 {
                    let position = CommittedPosition(partition: 0, offset: number, metadata: "\(number)")
                    member.commit(SpoolTransaction(positions: [position])) { _ in
                        told.add(number)
                        if number == 199 { end.resume() }
                    }
                }
            }
            #expect(told.all == Array(0..<200))
            #expect(try await spool.committed(group: "senders", topic: .mail)[0]?.offset == 199)
        }
    }

    @Test("a second member is given partitions only after their release", arguments: SpoolKind.allCases)
    func sharing(_ kind: SpoolKind) async throws {
        try await withSpool(kind) { spool, _ in
            let first = try await spool.join(group: "senders", topic: .mail)
            for assignment in try await first.nextAssignment() { first.begin(partition: assignment.partition, at: 0) }
            let second = try await spool.join(group: "senders", topic: .mail)
            let revoked = try await first.nextRevocation()
            #expect(revoked.count == 32)
            let handedOver = try #require(revoked.first)
            // Still the owner: what it commits now is what the next owner is shown.
            try await first.commit(
                SpoolTransaction(
                    positions: [CommittedPosition(partition: handedOver, offset: 5, metadata: "released")]))
            await #expect(throws: SpoolError.self) {
                try await second.commit(
                    SpoolTransaction(
                        positions: [CommittedPosition(partition: handedOver, offset: 9, metadata: "stolen")]))
            }
            first.release(revoked)
            let assigned = try await second.nextAssignment()
            #expect(assigned.map(\.partition).sorted() == revoked.sorted())
            #expect(assigned.first { $0.partition == handedOver }?.committed?.metadata == "released")
            await #expect(throws: SpoolError.self) {
                try await first.commit(
                    SpoolTransaction(
                        positions: [CommittedPosition(partition: handedOver, offset: 6, metadata: "late")]))
            }
            for assignment in assigned { second.begin(partition: assignment.partition, at: 0) }
            let fresh = (0..<64).map { (number: Int) in
                SpoolRecord(.mail, key: "k", partition: number, value: bytes("\(number)"))
            }
            try await spool.append(fresh)
            let others = try await second.nextRecords(32)
            #expect(Set(others.map(\.position.partition)) == Set(revoked))
            let own = try await first.nextRecords(32)
            #expect(Set(own.map(\.position.partition)) == Set(0..<64).subtracting(revoked))
            await first.leave()
            #expect(try await second.nextAssignment().count == 32)
        }
    }

    @Test("a partition that was silent for long goes on where it was left", arguments: SpoolKind.allCases)
    func silence(_ kind: SpoolKind) async throws {
        let fixture = try kind.makeFixture()
        defer { fixture.remove() }
        let first = try await fixture.open()
        let early = try await first.append([SpoolRecord(.mail, key: "k", partition: 5, value: bytes("early"))])
        try await first.append((0..<300).map { SpoolRecord(.mail, key: "k", partition: 6, value: bytes("\($0)")) })
        await first.close()

        let second = try await fixture.open()
        try await second.append([SpoolRecord(.mail, key: "k", partition: 5, value: bytes("late"))])
        let member = try await second.join(group: "senders", topic: .mail)
        _ = try await member.nextAssignment()
        member.begin(partition: 5, at: early[0].offset + 1)
        try await second.append([SpoolRecord(.mail, key: "k", partition: 5, value: bytes("latest"))])
        #expect(try await member.nextRecords(2).compactMap(\.text) == ["late", "latest"])
        // From below what it was silent about, it begins at its own record.
        member.begin(partition: 5, at: early[0].offset)
        #expect(try await member.nextRecords(3).compactMap(\.text) == ["early", "late", "latest"])
        await second.close()
    }

    @Test("groups do not see each other", arguments: SpoolKind.allCases)
    func independence(_ kind: SpoolKind) async throws {
        try await withSpool(kind) { spool, _ in
            let members = [
                try await spool.join(group: "a", topic: .events), try await spool.join(group: "b", topic: .events),
            ]
            for member in members {
                for assignment in try await member.nextAssignment() {
                    member.begin(partition: assignment.partition, at: 0)
                }
            }
            try await spool.append((0..<40).map { SpoolRecord(.events, key: "k\($0)", value: bytes("\($0)")) })
            for member in members { #expect(try await member.nextRecords(40).count == 40) }
        }
    }
}
