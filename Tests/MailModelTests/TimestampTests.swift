import Foundation
import MailModel
import MailTestKit
import Testing

struct TimestampTests {
    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.000Z", 4), (951_827_696_789, "2000-02-29T12:34:56.789Z", 2),
        (1_772_357_400_000, "2026-03-01T09:30:00.000Z", 0), (-1, "1969-12-31T23:59:59.999Z", 3),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z", 1), (-62_135_596_800_000, "0001-01-01T00:00:00.000Z", 1),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z", 5),
    ])
    func knownDates(milliseconds: Int64, text: String, weekday: Int) {
        let moment = Timestamp(milliseconds: milliseconds)
        #expect(moment.description == text)
        #expect(CivilTime(moment).weekday == weekday)
    }

    @Test func agreesWithFoundation() throws {
        var random = SeededRandom(seed: 2)
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        for _ in 0..<2_000 {
            // From 1600 on: before, Foundation's calendar is partly the Julian one.
            let seconds = Int64.random(in: -11_676_096_000...100_000_000_000, using: &random)
            let civil = CivilTime(Timestamp(milliseconds: seconds * 1000))
            let parts = calendar.dateComponents(
                [.year, .month, .day, .hour, .minute, .second, .weekday],
                from: Date(timeIntervalSince1970: Double(seconds)))
            #expect(civil.year == parts.year)
            #expect(civil.month == parts.month)
            #expect(civil.day == parts.day)
            #expect(civil.hour == parts.hour)
            #expect(civil.minute == parts.minute)
            #expect(civil.second == parts.second)
            #expect(civil.weekday + 1 == parts.weekday)
        }
    }

    @Test func arithmetic() {
        let moment = Timestamp(milliseconds: 1_000)
        #expect(moment + .seconds(2) == Timestamp(milliseconds: 3_000))
        #expect(moment + .microseconds(1_999) == Timestamp(milliseconds: 1_001))
        #expect(moment + .milliseconds(-3_000) == Timestamp(milliseconds: -2_000))
        #expect(Timestamp(milliseconds: 5) - moment == .milliseconds(-995))
        #expect(Duration.seconds(Int64.max).wholeMilliseconds == .max)
        #expect(Duration.seconds(Int64.min).wholeMilliseconds == .min)
        // No sum of a stored moment and a configured wait may end the process.
        #expect(moment + .seconds(Int64.max) == Timestamp(milliseconds: .max))
        #expect(Timestamp(milliseconds: -5) + .seconds(Int64.min) == Timestamp(milliseconds: .min))
        #expect(CivilTime(Timestamp(milliseconds: .min)).year < 0)
    }
}
