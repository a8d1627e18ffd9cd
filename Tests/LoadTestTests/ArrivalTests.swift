import LoadTest
import NIOCore
import Testing

struct ArrivalTests {
    private static func content(_ number: Int, of recipients: Int = 2, run: String = "R1", time: Int64 = 1000)
        -> ByteBuffer
    {
        ByteBuffer(
            string: """
                Received: from x\r\nSubject: y\r
                X-Bench: run=\(run) number=\(number) recipients=\(recipients) time=\(time)\r
                \r
                body\r

                """)
    }

    @Test func lostAndRepeated() throws {
        let book = ArrivalBook()
        for number in [0, 1, 3, 6] {
            book.add(Self.content(number), locals: ["b\(number).0", "b\(number).1"], now: 3000)
        }
        // One recipient comes alone, as where a message is split by domain, and then again.
        book.add(Self.content(5), locals: ["b5.1"], now: 3000)
        book.add(Self.content(5), locals: ["bounce+b5.1"], now: 9000)
        let arrivals = try #require(book.arrivals(of: "R1"))
        #expect(arrivals.received == 10 && arrivals.unique == 9 && arrivals.repeated == 1)
        #expect(arrivals.messages == 7 && arrivals.missing == 5)
        let missing = arrivals.missingRanges(limit: 10)
        #expect(missing.ranges == [2...2, 4...5] && missing.isWhole)
        let first = arrivals.missingRanges(limit: 1)
        #expect(first.ranges == [2...2] && !first.isWhole)
        // The repeated one is no measurement.
        #expect(arrivals.latencies.count == 9)
        #expect(abs(arrivals.latencies.max - 2_000_000) < 10_000)
        #expect(book.last == 9000)
    }

    @Test func runsAreKeptApart() {
        let book = ArrivalBook()
        book.add(Self.content(0, run: "A"), locals: ["b0.0"], now: 1)
        book.add(Self.content(0, run: "B"), locals: ["b0.0"], now: 1)
        #expect(book.runs.map(\.run) == ["A", "B"])
        #expect(book.runs.allSatisfy { $0.arrivals.unique == 1 && $0.arrivals.repeated == 0 })
    }

    @Test func runsBeyondTheLimitAreNotCounted() {
        let book = ArrivalBook()
        for run in 0...ArrivalBook.runLimit { book.add(Self.content(0, run: "R\(run)"), locals: ["b0.0"], now: 1) }
        #expect(book.runs.count == ArrivalBook.runLimit)
        #expect(book.uncounted == 1)
        // What does not fit its run has no place either.
        book.add(Self.content(0, of: 3, run: "R0"), locals: ["b0.0"], now: 1)
        book.add(Self.content(0, of: 2, run: "R0"), locals: ["b0.2"], now: 1)
        #expect(book.uncounted == 3)
    }

    @Test func greatNumbersTakeLittle() throws {
        let book = ArrivalBook()
        book.add(Self.content(BenchField.numberLimit - 1), locals: ["b.1"], now: 1)
        let arrivals = try #require(book.arrivals(of: "R1"))
        #expect(arrivals.unique == 1)
        #expect(arrivals.missingRanges(limit: 10).ranges == [0...BenchField.numberLimit - 1])
    }

    @Test(arguments: [
        "run= number=1 recipients=1 time=1", "run=a-b number=1 recipients=1 time=1",
        "run=A number=-1 recipients=1 time=1",
        "run=A number=1 recipients=0 time=1", "run=A number=1 recipients=1",
        "run=A number=4294967296 recipients=1 time=1",
        "run=A number=1 recipients=1 time=-5", "run", "run=A number=99999999999999999999 recipients=1 time=1",
        "run=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 number=1 recipients=1 time=1",
    ])
    func whatIsNoField(_ value: String) {
        #expect(BenchField(in: ByteBuffer(string: "X-Bench: \(value)\r\n\r\n")) == nil)
    }

    /// A bounce quotes the header section of the message in its body.
    @Test func aFieldInTheBodyIsNone() {
        let notice = "Subject: failed\r\n\r\nX-Bench: run=A number=1 recipients=1 time=1\r\n"
        #expect(BenchField(in: ByteBuffer(string: notice)) == nil)
        #expect(BenchField(in: ByteBuffer(string: "")) == nil)
        #expect(BenchField(in: ByteBuffer(string: "X-Bench: ")) == nil)
        #expect(BenchField(in: ByteBuffer(string: "X-Bench: run=A number=1 recipients=1 time=1\r\n\r\n"))?.number == 1)
    }

    @Test func sets() {
        var (a, b) = (SlotSet(), SlotSet())
        for number in [0, 63, 64, 65_535, 65_536, 1_000_000] {
            let (isNew, isNewAgain) = (a.insert(number), a.insert(number))
            #expect(isNew && !isNewAgain)
        }
        b.insert(64)
        b.insert(7)
        #expect(a.count == 6 && a.highest == 1_000_000)
        #expect(a.countMissing(from: b) == 5 && b.countMissing(from: a) == 1)
        #expect(a.contains(65_536) && !a.contains(65_537) && !a.contains(-1))
        #expect(a.subtracting(b).count == 5)
        #expect(a.ranges(ofGroups: 1, limit: 2).ranges == [0...0, 63...64])
        #expect(!a.ranges(ofGroups: 1, limit: 2).isWhole)
        #expect(a.ranges(ofGroups: 100_000, limit: 9).ranges == [0...0, 10...10])
        #expect(b.gaps(below: 66, ofGroups: 2, limit: 9).ranges == [0...32])
        a.formUnion(b)
        #expect(a.count == 7 && a.contains(7))
    }

    @Test func latencies() {
        var one = Latencies()
        #expect(one.percentile(50) == 0 && one.steps().isEmpty)
        for value in 1...1000 { one.record(Int64(value) * 1_000_000) }
        #expect(abs(one.percentile(50) - 500_000_000) < 1_000_000)
        #expect(abs(one.percentile(99.9) - 999_000_000) < 2_000_000)
        var two = Latencies()
        two.record(-5)
        two.record(.max)
        two.add(one)
        #expect(two.count == 1002)
        let steps = one.steps()
        #expect(steps.map(\.count).reduce(0, +) == 1000)
        #expect(steps.first?.upTo == 1_000_000 && steps.last?.upTo == 1_000_000_000)
    }
}
