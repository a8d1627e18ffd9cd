import DeliveryPolicy
import MailTestKit
import Testing

struct LedgerTests {
    @Test func committedOffsetIsTheLowestUnfinished() {
        var ledger = Ledger(intakeMark: 100)
        #expect(ledger.committedOffset == 100)
        for offset in [100, 101, 105] as [Int64] { #expect(ledger.taken(offset) == true) }
        #expect(ledger.intakeMark == 106)
        #expect(ledger.committedOffset == 100)
        #expect(ledger.finished(101) == true)
        #expect(ledger.committedOffset == 100)
        #expect(ledger.finished(100) == true)
        #expect(ledger.committedOffset == 105)
        #expect(ledger.finished(105) == true)
        #expect(ledger.committedOffset == 106)
        ledger.skipped(upTo: 110)
        #expect(ledger.committedOffset == 110)
        ledger.skipped(upTo: 5)
        #expect(ledger.intakeMark == 110)
    }

    @Test func nothingIsTakenOrFinishedTwice() {
        var ledger = Ledger()
        #expect(ledger.taken(7) == true)
        #expect(ledger.taken(7) == false)
        #expect(ledger.taken(3) == false)
        #expect(ledger.finished(3) == false)
        #expect(ledger.finished(7) == true)
        #expect(ledger.finished(7) == false)
        #expect(ledger.finished(-1) == false)
    }

    /// Against a plain set, with writing and reading in between.
    @Test(arguments: 1...20)
    func agreesWithASet(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var (ledger, model, mark): (Ledger, Set<Int64>, Int64) = (Ledger(), [], 0)
        for step in 0..<3_000 {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<10 where model.count < 1_500:
                mark += Bool.random(using: &random) ? 0 : .random(in: 0...300, using: &random)
                #expect(ledger.taken(mark) == true)
                model.insert(mark)
                mark += 1
            case 19:
                mark += .random(in: 0...9, using: &random)
                ledger.skipped(upTo: mark)
            default:
                let offset = Bool.random(using: &random) ? model.min() : model.randomElement(using: &random)
                if let offset {
                    #expect(ledger.finished(offset) == true)
                    model.remove(offset)
                }
            }
            #expect(ledger.committedOffset == model.min() ?? mark)
            #expect(ledger.unfinishedCount == model.count)
            if step % 100 == 0 {
                #expect(ledger.unfinished == model.sorted())
                #expect(ledger.oldest(5) == Array(model.sorted().prefix(5)))
                ledger.transaction += 1
                ledger.totals.accepted += 1_000_000
                let text = try #require(ledger.metadata())
                ledger = try Ledger(metadata: text, committedOffset: ledger.committedOffset)
                #expect(ledger.transaction == UInt64(step / 100 + 1))
                #expect(ledger.totals.accepted == UInt64(step / 100 + 1) * 1_000_000)
                #expect(ledger.intakeMark == mark)
            }
        }
    }

    @Test func aHundredThousandUnfinishedAreQuick() {
        var ledger = Ledger()
        for offset in 0..<100_000 as Range<Int64> { ledger.taken(offset) }
        #expect(!ledger.fits)
        #expect(ledger.metadata() == nil)
        var random = SeededRandom()
        for offset in (0..<100_000 as Range<Int64>).shuffled(using: &random) {
            #expect(ledger.finished(offset) == true)
        }
        #expect(ledger.committedOffset == 100_000)
        #expect(ledger.unfinishedCount == 0)
    }

    @Test func balances() {
        var totals = Ledger.Totals()
        (totals.accepted, totals.delivered, totals.failed, totals.expired) = (100, 50, 20, 5)
        (totals.suppressed, totals.dropped, totals.setAside) = (4, 3, 2)
        #expect(totals.queued == 16)
    }
}

struct LedgerMetadataTests {
    @Test func parkingTheOverflowMakesItFit() throws {
        var random = SeededRandom(seed: 9)
        for gap in [0, 1, 100, 1_000, 1_000_000] as [Int64] {
            var ledger = Ledger(transaction: .max)
            ledger.totals.accepted = .max
            ledger.totals.setAside = .max
            var offset: Int64 = 1 << 60
            for _ in 0..<5_000 {
                ledger.taken(offset)
                offset += 1 + (gap == 0 ? 0 : .random(in: 0...gap, using: &random))
            }
            let overflow = ledger.overflow
            #expect(overflow > 0)
            for oldest in ledger.oldest(overflow - 1) { ledger.finished(oldest) }
            #expect(ledger.overflow == 1)
            ledger.finished(ledger.committedOffset)
            #expect(ledger.fits)
            let text = try #require(ledger.metadata())
            #expect(text.utf8.count <= 3_000)
            #expect(try Ledger(metadata: text, committedOffset: ledger.committedOffset) == ledger)
        }
    }

    @Test func twoThousandInFlightFit() {
        var ledger = Ledger(intakeMark: 1 << 40, transaction: 1 << 40)
        for offset in 0..<2_000 as Range<Int64> { ledger.taken(1 << 40 + offset * 3) }
        #expect(ledger.fits)
    }

    @Test(arguments: [
        ("", LedgerError.unknownVersion), ("2AAAA", .unknownVersion), ("1", .truncated), ("1A", .notBase64),
        ("1A===", .notBase64), ("1AA=A", .notBase64), ("1AAÄ", .notBase64), ("1AAAA", .truncated),
        ("1AB==", .notBase64), ("1////////////////", .outOfRange),
    ])
    func refusesWhatItDidNotWrite(text: String, error: LedgerError) {
        #expect(throws: error) { try Ledger(metadata: text, committedOffset: 0) }
    }

    @Test func refusesWhatIsTooLong() {
        let text = "1" + String(repeating: "A", count: 3_000)
        #expect(throws: LedgerError.tooLong) { try Ledger(metadata: text, committedOffset: 0) }
    }

    @Test func refusesOffsetsBeyondTheMark() throws {
        // Nine varints of nought but the last, the mark's distance; then gaps.
        func metadata(distance: UInt8, gaps: [UInt8]) -> String {
            "1" + String(decoding: Base64.encode([0, 0, 0, 0, 0, 0, 0, 0, distance] + gaps), as: UTF8.self)
        }
        #expect(try Ledger(metadata: metadata(distance: 3, gaps: [0, 0]), committedOffset: 5).unfinished == [5, 6, 7])
        for (distance, gaps) in [(3, [2]), (3, [0, 0, 0]), (0, [0])] as [(UInt8, [UInt8])] {
            #expect(throws: LedgerError.outOfRange) {
                try Ledger(metadata: metadata(distance: distance, gaps: gaps), committedOffset: 5)
            }
        }
        #expect(throws: LedgerError.outOfRange) {
            try Ledger(metadata: metadata(distance: 1, gaps: []), committedOffset: .max)
        }
    }

    /// No input may end the process.
    @Test func survivesNoise() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let text = "1" + String(decoding: Base64.encode(bytes), as: UTF8.self)
            // Most noise is refused; what is read must be whole.
            if let ledger = try? Ledger(metadata: text, committedOffset: 1 << 20) {
                #expect(ledger.committedOffset == 1 << 20)
                #expect(ledger.unfinished.allSatisfy { $0 < ledger.intakeMark })
            }
        }
    }

    @Test func varintsAreAsLongAsTheySay() throws {
        for value in [0, 1, 127, 128, 16_383, 16_384, 1 << 62, .max] as [UInt64] {
            var bytes: [UInt8] = []
            Varint.append(value, to: &bytes)
            #expect(bytes.count == Varint.size(value))
            var reader = Varint.Reader(bytes)
            #expect(try reader.next() == value)
        }
    }

    @Test func base64AgreesWithRFC4648() {
        for (plain, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            #expect(String(decoding: Base64.encode(Array(plain.utf8)), as: UTF8.self) == text)
            #expect(Base64.decode(Array(text.utf8)) == Array(plain.utf8))
        }
    }
}
