import DNSClient
import MailModel
import Testing

@Suite struct AnswerCacheTests {
    private let start = ContinuousClock.now
    private func key(_ name: String) -> LookupKey { LookupKey(kind: .destination, name: name) }
    private func answer(_ name: String) -> MailHostsAnswer {
        .success(MailHosts(hosts: [], siteName: name, isImplicit: false))
    }

    @Test func lifetimesHaveBounds() {
        func lifetime(_ failure: Failure.LookupFailure, _ ttl: Int) -> Int {
            AnswerCache.lifetime(of: .failure(LookupError(failure, "")), ttl: ttl)
        }
        #expect(AnswerCache.lifetime(of: answer("a"), ttl: 0) == 5)
        #expect(AnswerCache.lifetime(of: answer("a"), ttl: 120) == 120)
        #expect(AnswerCache.lifetime(of: answer("a"), ttl: 864_000) == 3600)
        #expect(lifetime(.noSuchDomain, 3600) == 300)
        #expect(lifetime(.nullMX, 60) == 60)
        #expect(lifetime(.temporary, 0) == 30)
    }

    @Test func answersEnd() {
        var cache = AnswerCache(capacity: 10)
        cache.store(answer("a"), for: key("a"), ttl: 60, now: start)
        #expect(cache.answer(for: key("a"), now: start + .seconds(59)) == answer("a"))
        #expect(cache.answer(for: key("a"), now: start + .seconds(60)) == nil)
        #expect(cache.answer(for: LookupKey(kind: .host, name: "a"), now: start) == nil)
        cache.store(answer("b"), for: key("a"), ttl: 60, now: start + .seconds(60))
        #expect(cache.answer(for: key("a"), now: start + .seconds(61)) == answer("b"))
        #expect(cache.count == 1)
    }

    @Test func sizeIsBoundedAndUsedEntriesStay() {
        var cache = AnswerCache(capacity: 100)
        for index in 0..<100 { cache.store(answer("\(index)"), for: key("\(index)"), ttl: 60, now: start) }
        for index in 100..<1000 {
            #expect(cache.answer(for: key("7"), now: start) != nil)
            cache.store(answer("\(index)"), for: key("\(index)"), ttl: 60, now: start)
            #expect(cache.answer(for: key("\(index)"), now: start) != nil)
        }
        #expect(cache.count == 100)
        #expect(cache.answer(for: key("8"), now: start) == nil)
    }
}
