import DeliveryPolicy
import MailTestKit
import Testing

private func at(_ seconds: Int) -> MonotonicTime { MonotonicTime(nanoseconds: 0) + .seconds(seconds) }

struct LanePacingTests {
    @Test func growsOnSuccessUpToTheCeiling() {
        var lane = LanePacing()
        for _ in 0..<2 { lane.opened(now: at(0)) }
        #expect(lane.mayOpen(now: at(0)) == .enough)
        for _ in 0..<19 { lane.succeeded() }
        #expect(lane.mayOpen(now: at(0)) == .enough)
        lane.succeeded()
        #expect(lane.mayOpen(now: at(0)) == .yes)
        for _ in 0..<1000 { lane.succeeded() }
        #expect(lane.allowance == 10)
    }

    @Test func halvesOnTroubleOncePerInterval() {
        var lane = LanePacing()
        for _ in 0..<1000 { lane.succeeded() }
        for _ in 0..<10 { lane.opened(now: at(0)) }
        for _ in 0..<10 { lane.trouble(now: at(1)) }
        #expect(lane.allowance == 5)
        #expect(lane.hasTooMany)
        #expect(!lane.mayReuse(afterMessages: 1))
        for _ in 0..<5 { lane.closed() }
        #expect(lane.mayReuse(afterMessages: 99))
        #expect(!lane.mayReuse(afterMessages: 100))
        for second in [6, 11, 16, 21] { lane.trouble(now: at(second)) }
        #expect(lane.allowance == 1)
    }

    @Test func saysWhenTheRateAllowsTheNext() {
        var lane = LanePacing()
        for second in 0..<100 {
            #expect(lane.mayOpen(now: at(second / 10)) == .yes)
            lane.opened(now: at(second / 10))
            lane.closed()
        }
        #expect(lane.mayOpen(now: at(10)) == .later(at(60)))
        #expect(lane.mayOpen(now: at(60)) == .yes)
    }

    /// A reload is no way around the rate.
    @Test func anotherRateCountsWhatWasOpenedBefore() {
        var lane = LanePacing()
        for _ in 0..<100 {
            lane.opened(now: at(10))
            lane.closed()
        }
        var slower = LanePacing.Configuration()
        slower.connections = 20
        slower.ceiling = 1
        lane.reconfigure(slower)
        #expect(lane.mayOpen(now: at(11)) == .later(at(70)))
        #expect(lane.allowance == 1)
        var free = slower
        free.connections = nil
        free.ceiling = 10
        lane.reconfigure(free)
        #expect(lane.mayOpen(now: at(11)) == .yes)
        #expect(lane.allowance == 2)
    }

    @Test func noWindowIsEverAboveItsCount() {
        var random = SeededRandom(seed: 3)
        var window = SlidingWindow(count: 7, per: .seconds(10))
        var (now, moments): (MonotonicTime, [MonotonicTime]) = (at(1), [])
        for _ in 0..<5_000 {
            now = now + .milliseconds(Int.random(in: 0...1500, using: &random))
            if let free = window.wait(now: now) {
                #expect(free > now)
                continue
            }
            window.record(now)
            moments.append(now)
        }
        #expect(moments.count > 1000)
        for index in 7..<moments.count { #expect(moments[index] - moments[index - 7] >= .seconds(10)) }
    }
}

struct SourcePoolTests {
    @Test func followsTheWeightsSmoothly() {
        var pool = SourcePool([
            .init(source: "a", weight: 5), .init(source: "b", weight: 1), .init(source: "c", weight: 1),
        ])
        let names = (0..<14).compactMap { _ in pool.next().map { pool.members[$0].source } }
        #expect(names.joined() == "aabacaaaabacaa")
    }

    @Test func skipsTheUnusable() {
        var pool = SourcePool([
            .init(source: "a", weight: 1), .init(source: "b", weight: 1), .init(source: "c", weight: 0),
        ])
        for _ in 0..<5 { #expect(pool.next { $0 != 0 } == 1) }
        #expect(Set((0..<2).map { _ in pool.next() }) == [0, 1], "no debt is left from what was skipped")
        #expect(pool.next { $0 == 2 } == nil)
        var empty = SourcePool([])
        #expect(empty.next() == nil)
    }
}

struct TransactionBudgetTests {
    @Test func neverBeyondItsCapacity() {
        var random = SeededRandom(seed: 5)
        var budget = TransactionBudget(capacity: 50)
        var running: [(lane: Int, count: Int)] = []
        for _ in 0..<20_000 {
            if Bool.random(using: &random), let index = running.indices.randomElement(using: &random) {
                let done = running.remove(at: index)
                budget.committed(done.lane, count: done.count)
            } else {
                let (lane, count) = (Int.random(in: 0..<5, using: &random), Int.random(in: 1...9, using: &random))
                if budget.begin(lane, count: count) { running.append((lane, count)) }
            }
            #expect(budget.uncommitted == running.reduce(0) { $0 + $1.count })
            #expect(budget.uncommitted <= 50)
        }
    }

    @Test func aHogGivesWayToThoseWhoWait() {
        var budget = TransactionBudget(capacity: 10)
        for _ in 0..<10 { #expect(budget.begin(1) == true) }
        #expect(budget.begin(1) == false)
        #expect(budget.begin(2) == false)
        budget.committed(1, count: 1)
        #expect(budget.begin(1) == false, "lane 2 waits, and lane 1 has more than its half")
        #expect(budget.begin(2) == true)
        for _ in 0..<3 {
            budget.committed(1, count: 1)
            #expect(budget.begin(2) == true)
        }
        #expect(budget.uncommitted(of: 1) == 6)
        #expect(budget.uncommitted(of: 2) == 4)
    }

    @Test func manyRecipientsAreNotPassedForEver() {
        var budget = TransactionBudget(capacity: 10)
        for lane in 1...10 { #expect(budget.begin(lane) == true) }
        #expect(budget.begin(11, count: 5) == false)
        for lane in 1...5 {
            budget.committed(lane, count: 1)
            #expect(budget.begin(lane) == false, "room is kept for lane 11")
        }
        #expect(budget.begin(11, count: 5) == true)
    }

    /// Whatever lanes ask for and in whatever order, each gets its turn as long as outcomes are committed.
    @Test func everyLaneGetsItsTurn() {
        var random = SeededRandom(seed: 6)
        var budget = TransactionBudget(capacity: 20)
        var running: [(lane: Int, count: Int)] = []
        var turns = [Int](repeating: 0, count: 30)
        let wants = turns.indices.map { $0 % 3 == 0 ? 10 : 1 }
        for _ in 0..<3_000 {
            if let index = running.indices.randomElement(using: &random) {
                let done = running.remove(at: index)
                budget.committed(done.lane, count: done.count)
            }
            for lane in turns.indices.shuffled(using: &random) where budget.begin(lane, count: wants[lane]) {
                turns[lane] += 1
                running.append((lane, wants[lane]))
            }
            #expect(budget.uncommitted <= 20)
        }
        #expect((turns.min() ?? 0) > 20, "\(turns)")
    }

    @Test func whoWaitsNoMoreHoldsNobodyUp() {
        var budget = TransactionBudget(capacity: 4)
        for _ in 0..<4 { #expect(budget.begin(1) == true) }
        #expect(budget.begin(2) == false)
        budget.stopWaiting(2)
        budget.committed(1, count: 1)
        #expect(budget.begin(1) == true)
    }

    @Test func aHugeMessageGoesAlone() {
        var budget = TransactionBudget(capacity: 4)
        #expect(budget.begin(1) == true)
        #expect(budget.begin(2, count: 100) == false)
        budget.committed(1, count: 1)
        #expect(budget.begin(2, count: 100) == true)
        #expect(budget.begin(1) == false)
        budget.committed(2, count: 100)
        #expect(budget.uncommitted == 0)
    }
}
