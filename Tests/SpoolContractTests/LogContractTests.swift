import MailModel
import NIOCore
import Spool
import Testing

/// What every spool does with records: order, positions, reading.
@Suite("Spool contract: records")
struct LogContractTests {
    @Test("records of a partition keep the order of the calls", arguments: SpoolKind.allCases)
    func order(_ kind: SpoolKind) async throws {
        try await withSpool(kind) { spool, _ in
            let told = Collected<Int>()
            let count = 500
            await withCheckedContinuation { (end: CheckedContinuation<Void, Never>) in
                for number in 0..<count {
                    let record = SpoolRecord(.mail, key: "d\(number % 7).test", value: bytes("\(number)"))
                    spool.append([record]) { _ in
                        told.add(number)
                        if number == count - 1 { end.resume() }
                    }
                }
            }
            #expect(told.all == Array(0..<count))
            let stream = try await spool.follow(.mail, from: .beginning)
            let records = try await stream.nextRecords(count)
            for (key, own) in Dictionary(grouping: records, by: \.key) {
                let numbers = own.compactMap { $0.text.flatMap { Int($0) } }
                #expect(numbers == numbers.sorted(), "\(key)")
                #expect(own.map(\.position.offset) == own.map(\.position.offset).sorted())
                #expect(Set(own.map(\.position.partition)) == [Partitioner.partition(of: key, count: 64)])
            }
            #expect(try await stream.rest().isEmpty)
        }
    }

    @Test("records are read by position, missing ones as nil", arguments: SpoolKind.allCases)
    func positions(_ kind: SpoolKind) async throws {
        try await withSpool(kind) { spool, _ in
            let written = (0..<20).map {
                SpoolRecord(
                    .mail, key: "k\($0)", partition: $0 % 4, envelope: bytes("e\($0)"), value: bytes("v\($0)"))
            }
            let positions = try await spool.append(written)
            #expect(positions.map(\.partition) == (0..<20).map { $0 % 4 })
            let missing = Position(partition: 3, offset: 1_000_000)
            let elsewhere = Position(partition: 9, offset: positions[0].offset + 100_000)
            let asked = [positions[7], missing, positions[2], elsewhere, positions[19], positions[7]]
            let found = try await spool.read(asked, of: .mail)
            #expect(found.map { $0?.text } == ["v7", nil, "v2", nil, "v19", "v7"])
            #expect(found[0]?.key == "k7")
            #expect(found[0]?.envelope == bytes("e7"))
            #expect(found[0]?.position == positions[7])
            #expect(try await spool.read([], of: .mail).isEmpty)
        }
    }

    @Test("a record survives a new start; empty and absent values stay apart", arguments: SpoolKind.allCases)
    func reopen(_ kind: SpoolKind) async throws {
        let fixture = try kind.makeFixture()
        defer { fixture.remove() }
        let first = try await fixture.open()
        let positions = try await first.append([
            SpoolRecord(.mail, key: "", value: ByteBuffer()), SpoolRecord(.events, key: "q", value: bytes("{}")),
            SpoolRecord(.mail, key: "none", value: nil),
        ])
        await first.close()
        let second = try await fixture.open()
        let mail = try await second.read([positions[0], positions[2]], of: .mail)
        #expect(mail[0]?.value == ByteBuffer())
        #expect(mail[1] != nil)
        #expect(mail[1]?.value == nil)
        #expect(try await second.read([positions[1]], of: .events).first??.text == "{}")
        let later = try await second.append([SpoolRecord(.mail, key: "none", value: nil)])
        #expect(later[0].offset > positions[2].offset)
        await second.close()
    }

    @Test("large values come back whole", arguments: SpoolKind.allCases)
    func large(_ kind: SpoolKind) async throws {
        try await withSpool(kind) { spool, _ in
            let content = ByteBuffer(bytes: (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
            let position = try await spool.append([SpoolRecord(.mail, key: "big", value: content)])
            #expect(try await spool.read(position, of: .mail).first??.value == content)
        }
    }

    @Test("many appenders at once are all told, each once", arguments: SpoolKind.allCases)
    func concurrent(_ kind: SpoolKind) async throws {
        try await withSpool(kind) { spool, _ in
            let positions = try await withThrowingTaskGroup(of: [(Position, String)].self) { group in
                for writer in 0..<50 {
                    group.addTask {
                        var own: [(Position, String)] = []
                        for number in 0..<20 {
                            let text = "\(writer)/\(number)"
                            let record = SpoolRecord(.mail, key: "d\(writer)", value: bytes(text))
                            own.append((try await spool.append([record])[0], text))
                        }
                        return own
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(Set(positions.map(\.0)).count == 1000)
            let found = try await spool.read(positions.map(\.0), of: .mail)
            #expect(found.map { $0?.text } == positions.map(\.1))
        }
    }

    @Test("a topic is followed from its beginning, a moment or its end", arguments: SpoolKind.allCases)
    func follow(_ kind: SpoolKind) async throws {
        try await withSpool(kind) { spool, _ in
            func event(_ number: Int) -> SpoolRecord {
                SpoolRecord(.events, key: "q\(number)", value: bytes("\(number)"))
            }
            try await spool.append((0..<10).map(event))
            // The next millisecond, so that the moment separates the two halves.
            let moment = Timestamp.now()
            while Timestamp.now() <= moment { await Task.yield() }
            let middle = Timestamp.now()
            try await spool.append((10..<20).map(event))
            let end = try await spool.follow(.events, from: .end)
            #expect(try await end.next(wait: false).isEmpty)
            let time = try await spool.follow(.events, from: .time(middle))
            let beginning = try await spool.follow(.events, from: .beginning)
            try await spool.append((20..<30).map(event))
            #expect(Set(try await end.nextRecords(10).compactMap(\.text)) == Set((20..<30).map(String.init)))
            #expect(Set(try await time.nextRecords(20).compactMap(\.text)) == Set((10..<30).map(String.init)))
            #expect(Set(try await beginning.nextRecords(30).compactMap(\.text)) == Set((0..<30).map(String.init)))
            let starts = try await spool.endOffsets(of: .events).enumerated().filter { $0.offset % 2 == 0 }
            let offsets = try await spool.follow(
                .events, from: .offsets(Dictionary(uniqueKeysWithValues: starts.map { ($0.offset, $0.element) })))
            try await spool.append(
                (0..<32).map { SpoolRecord(.events, key: "k", partition: $0 % 16, value: bytes("o")) })
            #expect(try await offsets.nextRecords(16).allSatisfy { $0.position.partition % 2 == 0 && $0.text == "o" })
            for stream in [end, time, beginning] { _ = try await stream.nextRecords(32) }
            for stream in [end, time, beginning, offsets] { #expect(try await stream.rest().isEmpty) }
            end.close()
            #expect(try await end.next(wait: true).isEmpty)
        }
    }

    @Test("end offsets lie behind the last record of each partition", arguments: SpoolKind.allCases)
    func ends(_ kind: SpoolKind) async throws {
        let fixture = try kind.makeFixture()
        defer { fixture.remove() }
        let spool = try await fixture.open()
        #expect(try await spool.endOffsets(of: .events) == Array(repeating: 0, count: 16))
        let positions = try await spool.append(
            (0..<6).map { SpoolRecord(.events, key: "q", partition: $0 % 3, value: bytes("x")) })
        let ends = try await spool.endOffsets(of: .events)
        for partition in 0..<3 { #expect(ends[partition] == positions[partition + 3].offset + 1) }
        #expect(ends[3] == 0)
        await spool.close()
        let again = try await fixture.open()
        #expect(try await again.endOffsets(of: .events) == ends)
        await again.close()
    }

    @Test("records are counted from an offset of their partition on", arguments: SpoolKind.allCases)
    func count(_ kind: SpoolKind) async throws {
        let fixture = try kind.makeFixture()
        defer { fixture.remove() }
        let spool = try await fixture.open()
        let positions = try await spool.append(
            (0..<90).map { SpoolRecord(.mail, key: "k", partition: $0 % 3, value: bytes("\($0)")) })
        let ends = try await spool.endOffsets(of: .mail)
        let asked: [Int: Int64] = [0: 0, 1: positions[31].offset, 2: ends[2], 3: 0]
        #expect(try await spool.count(of: .mail, from: asked) == [0: 30, 1: 20, 2: 0, 3: 0])
        #expect(try await spool.count(of: .mail, from: [:]).isEmpty)
        await spool.close()

        let again = try await fixture.open()
        #expect(try await again.count(of: .mail, from: asked) == [0: 30, 1: 20, 2: 0, 3: 0])
        try await again.append([SpoolRecord(.mail, key: "k", partition: 2, value: bytes("late"))])
        #expect(try await again.count(of: .mail, from: asked) == [0: 30, 1: 20, 2: 1, 3: 0])
        await again.close()
    }

    @Test("after close appends fail and readers end", arguments: SpoolKind.allCases)
    func close(_ kind: SpoolKind) async throws {
        try await withSpool(kind) { spool, _ in
            let stream = try await spool.follow(.events, from: .end)
            async let last = Result { try await stream.next(wait: true) }
            await spool.close()
            _ = await last
            await #expect(throws: SpoolError.self) {
                try await spool.append([SpoolRecord(.mail, key: "k", value: nil)])
            }
        }
    }
}

extension Result where Failure == any Error {
    init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
