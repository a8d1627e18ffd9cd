import DeliveryPolicy
import MailModel
import Testing

/// What rules of an operator may change, and what they may not.
struct BounceRulingTests {
    static let replies = [
        Reply(550, StatusDetail(1, 1), "user unknown"), Reply(450, StatusDetail(2, 1), "later"),
        Reply(421, nil, "closing"),
        Reply(550, StatusDetail(7, 1), "not you"), Reply(451, StatusDetail(7, 1), "try again later"),
        Reply(554, nil, "blocked using zen.spamhaus.org"), Reply(552, nil, "too many recipients"),
        Reply(530, nil, "auth"),
    ]
    static let stages: [Failure.Stage] = [.greeting, .ehlo, .mail, .rcpt, .data, .acknowledgement]
    static let rulings = BounceClass.allCases.flatMap { bounceClass in
        ([nil] + Severity.allCases).map { BounceRuling(bounceClass: bounceClass, severity: $0, rule: 7) }
    }

    private func judge(
        _ reply: Reply, at stage: Failure.Stage, _ ruling: BounceRuling?, isLast: Bool = true
    ) -> Disposition {
        FailurePolicy.disposition(
            of: Failure(stage: stage, cause: .reply(reply), text: ""),
            in: .init(isLastHost: isLast, isLastSource: isLast), ruling: ruling)
    }

    @Test(arguments: replies, stages)
    func theEndIsNeverChanged(reply: Reply, stage: Failure.Stage) {
        for isLast in [true, false] {
            let plain = judge(reply, at: stage, nil, isLast: isLast)
            for ruling in Self.rulings {
                var ruled = judge(reply, at: stage, ruling, isLast: isLast)
                if ruled.step != .fail { #expect(ruled.severity != .hard) }
                (ruled.bounceClass, ruled.severity, ruled.rule) = (plain.bounceClass, plain.severity, plain.rule)
                #expect(ruled == plain)
            }
        }
    }

    @Test(arguments: replies, stages)
    func blamesNoAddressForARefusalOfUs(reply: Reply, stage: Failure.Stage) {
        let isBlock = reply.detail?.subject == 7 || reply.text.contains("spamhaus")
        let isEarly = stage == .greeting || stage == .ehlo || stage == .mail
        for ruling in Self.rulings {
            let ruled = judge(reply, at: stage, ruling)
            guard isBlock || isEarly || reply.code == 421 else { continue }
            #expect(!ruled.condemnsAddress)
            #expect(ruled.severity != .hard)
            #expect(!ruled.bounceClass.isAboutAddress, "\(ruling)")
            if ruling.severity != .hard, !ruling.bounceClass.isAboutAddress { #expect(ruled.rule == 7) }
        }
    }

    @Test func givesClassAndSeverity() {
        let reply = Reply(550, StatusDetail(1, 1), "user unknown")
        #expect(judge(reply, at: .rcpt, nil).rule == nil)
        let full = judge(reply, at: .rcpt, BounceRuling(bounceClass: .quotaIssues, severity: nil, rule: 3))
        #expect((full.bounceClass, full.severity, full.rule) == (.quotaIssues, .soft, 3))
        let hard = judge(reply, at: .rcpt, BounceRuling(bounceClass: .quotaIssues, severity: .hard, rule: 3))
        #expect((hard.bounceClass, hard.severity) == (.quotaIssues, .hard))
        #expect(judge(reply, at: .rcpt, nil).condemnsAddress)
        let soft = judge(reply, at: .rcpt, BounceRuling(bounceClass: .badMailbox, severity: .soft, rule: 3))
        #expect(!soft.condemnsAddress, "an operator who calls it soft wants no suppression")
        let later = judge(
            Reply(450, nil, "no"), at: .rcpt, BounceRuling(bounceClass: .badMailbox, severity: nil, rule: 3))
        #expect((later.bounceClass, later.severity, later.step) == (.badMailbox, .soft, .defer))
    }

    /// Without rules too, nothing that is said before RCPT is about an address.
    @Test(arguments: [Failure.Stage.greeting, .ehlo, .mail])
    func builtInRulesBlameNoAddressEarly(stage: Failure.Stage) {
        for text in ["user unknown", "no such domain", "mailbox disabled"] {
            for detail in [nil, StatusDetail(1, 1), StatusDetail(1, 2), StatusDetail(2, 1)] {
                let ruled = judge(Reply(550, detail, text), at: stage, nil)
                #expect(!ruled.bounceClass.isAboutAddress, "\(text)")
                #expect(!ruled.condemnsAddress)
            }
        }
    }
}
