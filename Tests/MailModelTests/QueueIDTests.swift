import MailModel
import MailTestKit
import Testing

struct QueueIDTests {
    @Test func knownTexts() {
        #expect(QueueID(high: 0, low: 0).description == "00000000000000000000000000")
        #expect(QueueID(high: .max, low: .max).description == "7ZZZZZZZZZZZZZZZZZZZZZZZZZ")
        #expect(QueueID("01ARZ3NDEKTSV4RRFFQ69G5FAV")?.time == Timestamp(milliseconds: 1_469_922_850_259))
        #expect(QueueID(high: 0, low: 32).description == "00000000000000000000000010")
    }

    @Test func readsEitherCaseAndLookAlikes() {
        #expect(QueueID("01arz3ndektsv4rrffq69g5fav") == QueueID("01ARZ3NDEKTSV4RRFFQ69G5FAV"))
        #expect(QueueID("OIL00000000000000000000000") == QueueID("01100000000000000000000000"))
    }

    @Test(arguments: [
        "", "0", "80000000000000000000000000", "0000000000000000000000000U", "000000000000000000000000000",
        "0000000000000000000000000é", "01ARZ3NDEKTSV4RRFFQ69G5FA-",
    ])
    func refuses(text: String) { #expect(QueueID(text) == nil) }

    @Test func orderOfTextIsOrderOfTime() {
        var random = SeededRandom()
        var clock = ManualClock()
        var previous = QueueID(time: clock.now, using: &random)
        for _ in 0..<1_000 {
            clock.advance(by: .milliseconds(1))
            let next = QueueID(time: clock.now, using: &random)
            #expect(previous < next)
            #expect(previous.description < next.description)
            #expect(next.time == clock.now)
            #expect(QueueID(next.description) == next)
            previous = next
        }
    }
}
