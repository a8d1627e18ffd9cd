import LoadTest
import Testing

struct LoadScheduleTests {
    private static let second: Int64 = 1_000_000_000

    @Test func steady() {
        let schedule = LoadSchedule(rate: 500, duration: 30 * Self.second)
        #expect(schedule.due(0) == 0)
        #expect(schedule.due(1) == 2_000_000)
        #expect(schedule.due(500) == Self.second)
        #expect(schedule.count(before: 30 * Self.second) == 15_000)
        #expect(schedule.count(before: 1) == 1)
        #expect(schedule.count(before: 0) == 0)
    }

    @Test func burst() {
        let ofASecond = LoadSchedule(rate: 100, pattern: .burst, duration: 10 * Self.second)
        #expect(ofASecond.due(99) == 0)
        #expect(ofASecond.due(100) == Self.second)
        let small = LoadSchedule(rate: 100, pattern: .burst, burst: 10, duration: 10 * Self.second)
        #expect(small.due(9) == 0)
        #expect(small.due(10) == Self.second / 10)
        #expect(small.count(before: 10 * Self.second) == 1000)
    }

    @Test func ramp() {
        let schedule = LoadSchedule(rate: 100, pattern: .ramp, duration: 10 * Self.second)
        // Half of what a steady rate gives, a quarter of it in the first half.
        #expect(schedule.count(before: 10 * Self.second) == 500)
        #expect(schedule.count(before: 5 * Self.second) == 125)
        // By number: the ramp ends with the last message.
        let numbered = LoadSchedule(rate: 100, pattern: .ramp, messages: 500)
        #expect(abs(numbered.due(500) - 10 * Self.second) < 1000)
        #expect(numbered.due(600) - numbered.due(599) <= 10_000_001)
    }

    @Test(arguments: LoadSchedule.Pattern.allCases)
    func neverGoesBack(_ pattern: LoadSchedule.Pattern) {
        let schedule = LoadSchedule(rate: 777, pattern: pattern, burst: 13, duration: Self.second)
        var last: Int64 = 0
        for number in 0..<5000 {
            let due = schedule.due(number)
            #expect(due >= last)
            last = due
        }
    }
}
