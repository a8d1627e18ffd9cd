import DeliveryPolicy
import MailModel
import Testing

/// What call-outs say, and for how long.
@Suite struct CallOutTests {
    private static func failure(_ stage: Failure.Stage, _ reply: Reply) -> Failure {
        Failure(stage: stage, cause: .reply(reply), text: "")
    }

    @Test func onlyRepliesToRCPTSpeakOfTheAddress() {
        #expect(CallOutResult(nil) == .exists)
        #expect(CallOutResult(Self.failure(.rcpt, Reply(550, StatusDetail(1, 1), "no"))) == .unknown)
        #expect(CallOutResult(Self.failure(.rcpt, Reply(550, nil, "no"))) == .unknown)
        #expect(CallOutResult(Self.failure(.rcpt, Reply(550, StatusDetail(7, 1), "blocked"))) == .unanswered)
        #expect(CallOutResult(Self.failure(.rcpt, Reply(450, nil, "later"))) == .unanswered)
        #expect(CallOutResult(Self.failure(.mail, Reply(550, nil, "no <>"))) == .unanswered)
        #expect(CallOutResult(Failure(stage: .connect, cause: .timeout, text: "")) == .unanswered)
    }

    /// Asks in an expression.
    private final class Asked {
        var cache: CallOutCache
        init(capacity: Int, times: CallOutCache.Times) { cache = CallOutCache(capacity: capacity, times: times) }
        func answer(_ number: Int, _ seconds: Int) -> CallOutCache.Answer {
            cache.answer(for: box(number), now: at(seconds))
        }
        func store(_ result: CallOutResult, _ number: Int, _ seconds: Int) {
            cache.store(result, for: box(number), now: at(seconds))
        }
    }

    private static func box(_ number: Int) -> Mailbox {
        Mailbox(localPart: "u\(number)", domain: Domain(canonical: "x.test"))
    }

    private static func at(_ seconds: Int) -> MonotonicTime {
        MonotonicTime(nanoseconds: 0) + .seconds(seconds)
    }

    @Test func resultsStandForTheirTimes() {
        var times = CallOutCache.Times()
        (times.positiveExpire, times.positiveRefresh) = (.seconds(100), .seconds(50))
        (times.negativeExpire, times.unansweredExpire) = (.seconds(10), .seconds(5))
        let cache = Asked(capacity: 10, times: times)
        #expect(cache.answer(1, 0) == .none)
        cache.store(.exists, 1, 0)
        cache.store(.unknown, 2, 0)
        cache.store(.unanswered, 3, 0)
        #expect(cache.answer(1, 49) == .known(.exists, isStale: false))
        #expect(cache.answer(1, 50) == .known(.exists, isStale: true))
        // The host does not answer the refreshing question: the address stays good until it expires.
        cache.store(.unanswered, 1, 60)
        #expect(cache.answer(1, 99) == .known(.exists, isStale: true))
        #expect(cache.answer(1, 100) == .none)
        #expect(cache.answer(2, 9) == .known(.unknown, isStale: false))
        #expect(cache.answer(2, 10) == .none)
        #expect(cache.answer(3, 5) == .none)
    }

    @Test func whatWasUsedLongAgoLeavesFirst() {
        let cache = Asked(capacity: 100, times: .init())
        for number in 0..<75 {
            cache.store(.exists, number, number)
            #expect(cache.answer(0, number) != .none)
        }
        for number in 75..<1000 {
            cache.store(.exists, number, number)
            #expect(cache.answer(0, number) != .none, "what is asked for stays")
            #expect(cache.cache.count <= 100)
        }
        #expect(cache.answer(1, 1000) == .none)
        for number in 951..<1000 { #expect(cache.answer(number, 1000) != .none) }
    }
}
