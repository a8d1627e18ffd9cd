import DeliveryPolicy
import MailModel
import MailTestKit
import Testing

struct RetryPolicyTests {
    private let exact = RetryPolicy(
        rules: [.quota: .init(first: .seconds(3600), maximum: .seconds(3600), jitter: 0)],
        fallback: .init(first: .seconds(300), maximum: .seconds(7200), jitter: 0))

    @Test(arguments: [(1, 300), (2, 600), (3, 1200), (4, 2400), (5, 4800), (6, 7200), (7, 7200), (1_000_000, 7200)])
    func doubles(attempt: Int, seconds: Int) {
        var random = SeededRandom()
        #expect(exact.delay(attempt: attempt, errorClass: .other, using: &random) == .seconds(seconds))
        #expect(exact.delay(attempt: attempt, errorClass: .quota, using: &random) == .seconds(3600))
    }

    @Test func jitterFillsItsRangeAndNoMore() {
        var random = SeededRandom()
        let delays = (0..<2_000).map { _ in
            RetryPolicy().delay(attempt: 1, errorClass: .greylisting, using: &random).wholeMilliseconds
        }
        #expect(delays.allSatisfy { (240_000...360_000).contains($0) })
        #expect((delays.min() ?? 0) < 245_000)
        #expect((delays.max() ?? 0) > 355_000)
        #expect(RetryPolicy().rule(for: .quota).first == .seconds(3600))
    }

    @Test func lastAttemptComesShortlyBeforeTheEnd() {
        var random = SeededRandom()
        let now = ManualClock().now
        func due(_ left: Int) -> Timestamp? {
            exact.nextDue(after: now, attempt: 3, errorClass: .other, expiry: now + .seconds(left), using: &random)
        }
        #expect(due(4000) == now + .seconds(1200))
        #expect(due(1230) == now + .seconds(1200))
        #expect(due(1000) == now + .seconds(970))
        #expect(due(180) == now + .seconds(150))
        #expect(due(179) == nil)
        #expect(due(-5) == nil)
    }

    @Test func everyMessageEnds() {
        var random = SeededRandom(seed: 7)
        let policy = RetryPolicy()
        for _ in 0..<200 {
            let arrival = ManualClock().now
            let expiry = arrival + .seconds(.random(in: 1...432_000, using: &random))
            var (now, attempt) = (arrival, 1)
            while let due = policy.nextDue(
                after: now, attempt: attempt, errorClass: .other, expiry: expiry, using: &random)
            {
                #expect(due > now && due < expiry)
                (now, attempt) = (due, attempt + 1)
                if attempt > 200 { break }
            }
            #expect(attempt < 100)
        }
    }
}
