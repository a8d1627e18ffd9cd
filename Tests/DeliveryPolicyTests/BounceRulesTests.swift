import DeliveryPolicy
import MailModel
import Testing

struct BounceRulesTests {
    private let matcher = PatternMatcher()

    private func find(_ rules: [BounceRules.Rule], _ reply: Reply, from host: String? = nil) -> BounceRules.Finding {
        BounceRules(file: "test.yaml", rules: rules).find(reply, from: host, using: matcher)
    }

    @Test func firstMatchWins() throws {
        let rules = [
            BounceRules.Rule(pattern: try Pattern("nothing"), bounceClass: .other, line: 1),
            BounceRules.Rule(pattern: try Pattern("full"), bounceClass: .quotaIssues, line: 2),
            BounceRules.Rule(pattern: try Pattern("mailbox"), bounceClass: .badMailbox, line: 3),
        ]
        let reply = Reply(550, nil, "mailbox full")
        #expect(find(rules, reply).ruling == BounceRuling(bounceClass: .quotaIssues, severity: nil, rule: 1))
        #expect(find(rules.reversed(), reply).ruling?.bounceClass == .badMailbox)
        #expect(find(rules, Reply(550, nil, "no")) == BounceRules.Finding())
        #expect(BounceRules(file: "test.yaml", rules: rules).place(of: 1) == "test.yaml:2")
    }

    @Test func allConditionsMustHold() throws {
        let rule = BounceRules.Rule(
            pattern: try Pattern("unknown"), enhanced: [EnhancedCodePattern("5.1.x")!],
            codes: [ReplyCodePattern("55x")!],
            hosts: ["example.net"], bounceClass: .badMailbox, line: 1)
        func matches(_ reply: Reply, _ host: String?) -> Bool { find([rule], reply, from: host).ruling != nil }
        let good = Reply(550, StatusDetail(1, 6), "user unknown")
        #expect(matches(good, "mx.example.net"))
        #expect(!matches(good, nil))
        #expect(!matches(good, "example.org"))
        #expect(!matches(Reply(550, StatusDetail(1, 6), "user known"), "mx.example.net"))
        #expect(!matches(Reply(550, StatusDetail(2, 6), "user unknown"), "mx.example.net"))
        #expect(!matches(Reply(550, nil, "user unknown"), "mx.example.net"))
        #expect(!matches(Reply(511, StatusDetail(1, 6), "user unknown"), "mx.example.net"))
    }

    @Test(arguments: [
        ("mx.example.net", true), ("example.net", true), ("MX.Example.NET.", true), ("notexample.net", false),
        ("example.net.evil.test", false), ("net", false), ("", false),
    ])
    func hostsEndInWholeLabels(host: String, isMatched: Bool) throws {
        let rule = BounceRules.Rule(
            codes: [ReplyCodePattern("5xx")!], hosts: ["other.test", "example.net"], bounceClass: .other, line: 1)
        #expect((find([rule], Reply(550, nil, ""), from: host).ruling != nil) == isMatched)
    }

    @Test(arguments: [
        ("550", 550, true), ("550", 551, false), ("55x", 559, true), ("55x", 560, false), ("4xx", 421, true),
        ("4xx", 550, false),
    ])
    func replyCodes(pattern: String, code: UInt16, isMatched: Bool) throws {
        let rule = BounceRules.Rule(codes: [try #require(ReplyCodePattern(pattern))], bounceClass: .other, line: 1)
        #expect((find([rule], Reply(code, nil, "")).ruling != nil) == isMatched)
    }

    @Test(arguments: [
        ("5.1.1", Reply(550, StatusDetail(1, 1), ""), true), ("5.1.1", Reply(550, StatusDetail(1, 10), ""), false),
        ("5.1.1", Reply(450, StatusDetail(1, 1), ""), false), ("x.1.1", Reply(450, StatusDetail(1, 1), ""), true),
        ("5.7.x", Reply(550, StatusDetail(7, 606), ""), true), ("5.x.x", Reply(550, nil, ""), false),
        ("5.x.1", Reply(550, StatusDetail(2, 1), ""), true),
    ])
    func enhancedCodes(pattern: String, reply: Reply, isMatched: Bool) throws {
        let rule = BounceRules.Rule(
            enhanced: [try #require(EnhancedCodePattern(pattern))], bounceClass: .other, line: 1)
        #expect((find([rule], reply).ruling != nil) == isMatched)
    }

    @Test(arguments: ["", "5", "5xxx", "2xx", "355", "x50", "5x0", "65x", "-50", "5５0"])
    func refusesReplyCodes(text: String) { #expect(ReplyCodePattern(text) == nil) }

    @Test(arguments: ["", "5.1", "5.1.1.1", "2.1.1", "5.1.", "5.1.1000", "5.1.+1", "y.1.1", "5.1.xx", "0.1.1"])
    func refusesEnhancedCodes(text: String) { #expect(EnhancedCodePattern(text) == nil) }

    @Test func aPatternWithoutBoundIsPassedOver() throws {
        let bad = BounceRules.Rule(pattern: try Pattern("^(a+)+$"), bounceClass: .badMailbox, line: 1)
        let good = BounceRules.Rule(pattern: try Pattern("a!"), bounceClass: .quotaIssues, line: 2)
        let reply = Reply(550, nil, String(repeating: "a", count: 1000) + "!")
        let finding = find([bad, good], reply)
        #expect(finding.limited == [0])
        #expect(finding.ruling?.rule == 1)
        let many = find(Array(repeating: bad, count: 100) + [good], reply)
        #expect(many.limited.count == BounceRules.limitedPatterns)
        #expect(many.ruling == nil, "left to the built-in rules")
    }
}
