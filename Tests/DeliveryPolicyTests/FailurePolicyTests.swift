import DeliveryPolicy
import MailModel
import MailTestKit
import Testing

struct FailurePolicyTests {
    private static let last = FailurePolicy.Context(isLastHost: true)
    private static let more = FailurePolicy.Context(isLastHost: false, isLastSource: false)

    private func judge(
        _ stage: Failure.Stage, _ cause: Failure.Cause, _ context: FailurePolicy.Context = last
    ) -> Disposition {
        FailurePolicy.disposition(of: Failure(stage: stage, cause: cause, text: "words"), in: context)
    }

    @Test(arguments: [
        (Failure.LookupFailure.noSuchDomain, Disposition.Step.fail, "5.1.2", UInt16(550)),
        (.noHost, .fail, "5.4.4", 550), (.nullMX, .fail, "5.1.10", 556), (.temporary, .defer, "4.4.3", 451),
    ])
    func lookups(_ lookup: Failure.LookupFailure, _ step: Disposition.Step, _ status: String, _ code: UInt16) {
        for context in [Self.last, Self.more] {
            let disposition = judge(.resolve, .lookup(lookup), context)
            #expect(disposition.step == step)
            #expect(disposition.enhancedStatus == status)
            #expect(disposition.status.code == code)
            #expect(disposition.status.text == "words")
            #expect(disposition.errorClass == .lookup)
            #expect(disposition.bounceClass == (step == .fail ? .badDomain : .routingErrors))
            #expect(disposition.severity == (step == .fail ? .hard : .soft))
        }
    }

    @Test(arguments: [
        (Failure.Stage.connect, Failure.Cause.connectionRefused, ErrorClass.refused, "4.4.1", true),
        (.connect, .timeout, .timeoutConnect, "4.4.1", true), (.connect, .unreachable, .timeoutConnect, "4.4.1", true),
        (.greeting, .timeout, .timeout, "4.4.2", true), (.greeting, .connectionLost, .lostConnection, "4.4.2", true),
        (.ehlo, .connectionLost, .lostConnection, "4.4.2", true), (.mail, .timeout, .timeout, "4.4.2", false),
        (.rcpt, .connectionLost, .lostConnection, "4.4.2", false), (.content, .timeout, .timeout, "4.4.2", false),
        (.content, .tlsFailed, .lostConnection, "4.4.2", false), (.data, .protocolViolation, .other, "4.5.0", false),
    ])
    func hosts(
        _ stage: Failure.Stage, _ cause: Failure.Cause, _ errorClass: ErrorClass, _ status: String, _ isUnusable: Bool
    ) {
        let disposition = judge(stage, cause)
        #expect(disposition.step == .defer)
        #expect(disposition.errorClass == errorClass)
        #expect(disposition.enhancedStatus == status)
        #expect(disposition.status.code == 451)
        #expect(disposition.effects.contains(.hostUnusable) == isUnusable)
        #expect(disposition.effects.contains(.closesConnection))
        #expect(judge(stage, cause, Self.more).step == .nextHost)
        #expect(!disposition.isAmbiguous)
    }

    @Test(arguments: [Failure.Cause.connectionLost, .timeout, .tlsFailed, .protocolViolation, .local])
    func cutAfterTheDotIsAmbiguousAndGoesNowhereElse(_ cause: Failure.Cause) {
        let disposition = judge(.acknowledgement, cause, Self.more)
        #expect(disposition.step == .defer)
        #expect(disposition.scope == .message)
        #expect(disposition.isAmbiguous)
    }

    @Test(arguments: [Failure.Cause.tlsFailed, .connectionLost, .timeout, .reply(Reply(454, nil, "TLS not available"))])
    func opportunisticTLSGoesOnInClear(_ cause: Failure.Cause) {
        for context in [Self.last, Self.more] {
            let disposition = judge(.starttls, cause, context)
            #expect(disposition.step == .retryInClear)
            #expect(disposition.effects.contains(.rememberBrokenTLS))
        }
    }

    @Test func requiredTLSNeverGoesInClear() {
        var context = FailurePolicy.Context(isLastHost: false, requiresTLS: true)
        let causes: [Failure.Cause] = [
            .tlsFailed, .connectionLost, .missingExtension, .reply(Reply(454, nil, "not now")),
            .reply(Reply(502, nil, "what")),
        ]
        for cause in causes {
            context.isLastHost = false
            #expect(judge(.starttls, cause, context).step == .nextHost)
            context.isLastHost = true
            let disposition = judge(.starttls, cause, context)
            #expect(disposition.step == .defer)
            #expect(disposition.errorClass == .tlsRequired)
            #expect(!disposition.effects.contains(.rememberBrokenTLS))
        }
        #expect(judge(.starttls, .tlsFailed, context).enhancedStatus == "4.7.5")
        #expect(judge(.starttls, .missingExtension, context).enhancedStatus == "4.7.10")
    }

    @Test func extensionsAndSize() {
        #expect(judge(.mail, .missingExtension, Self.more).step == .nextHost)
        #expect(judge(.mail, .missingExtension).step == .fail)
        #expect(judge(.mail, .missingExtension).enhancedStatus == "5.6.7")
        #expect(judge(.mail, .tooLarge, Self.more).step == .fail)
        #expect(judge(.mail, .tooLarge).status == Reply(552, StatusDetail(3, 4), "words"))
    }

    @Test func ownDoingIsNobodysFault() {
        let disposition = judge(.rcpt, .local, Self.more)
        #expect(disposition.step == .defer)
        #expect(disposition.enhancedStatus == "4.3.2")
        #expect(!disposition.effects.contains(.slowLane))
    }

    @Test(arguments: [
        (Failure.StorageFailure.full, ErrorClass.other, "4.3.1"), (.quota, .quota, "4.2.2"), (.denied, .other, "4.3.5"),
        (.failed, .other, "4.3.0"),
    ]) func aMailboxThatCannotBeWrittenToWaits(storage: Failure.StorageFailure, class: ErrorClass, status: String) {
        let disposition = judge(.content, .storage(storage), Self.more)
        #expect(disposition.step == .defer && disposition.scope == .recipient && disposition.effects.isEmpty)
        #expect(disposition.errorClass == `class` && disposition.enhancedStatus == status)
        #expect(disposition.severity == .soft && !disposition.isAmbiguous)
        #expect(judge(.acknowledgement, .storage(storage)).isAmbiguous)
    }

    @Test func aHostThatRefusesBDATIsAskedByDATA() {
        let disposition = judge(.data, .missingExtension)
        #expect(disposition.step == .retryByDATA && disposition.scope == .session && !disposition.isAmbiguous)
    }

    @Test func onlyBadMailboxesAreCondemned() {
        #expect(judge(.rcpt, .reply(Reply(550, StatusDetail(1, 1), "user unknown"))).condemnsAddress)
        #expect(!judge(.rcpt, .reply(Reply(550, StatusDetail(1, 1), "listed at spamhaus"))).condemnsAddress)
        #expect(!judge(.rcpt, .reply(Reply(450, StatusDetail(1, 1), "user unknown"))).condemnsAddress)
        #expect(!judge(.resolve, .lookup(.noSuchDomain)).condemnsAddress)
    }

    /// Over all stages and causes and many replies: the promises that no rule may break.
    @Test func invariants() {
        var random = SeededRandom()
        let words = ["", "spamhaus", "user unknown", "greylisted", "blocked", "mailbox full", "relay access denied"]
        let causes: [Failure.Cause] = [
            .timeout, .connectionLost, .connectionRefused, .unreachable, .tlsFailed, .protocolViolation,
            .missingExtension, .tooLarge, .local, .storage(.full), .storage(.denied),
        ]
        for _ in 0..<20_000 {
            let stage = Failure.Stage.allCases.randomElement(using: &random) ?? .rcpt
            let detail =
                Bool.random(using: &random)
                ? StatusDetail(.random(in: 0...7, using: &random), .random(in: 0...12, using: &random)) : nil
            let reply = Reply(.random(in: 400...559, using: &random), detail, words.randomElement(using: &random) ?? "")
            let isReply = Bool.random(using: &random)
            let cause = isReply ? .reply(reply) : causes.randomElement(using: &random) ?? .local
            let context = FailurePolicy.Context(
                isLastHost: .random(using: &random), isLastSource: .random(using: &random),
                requiresTLS: .random(using: &random), isLMTP: .random(using: &random))
            let result = judge(stage, cause, context)
            if isReply, reply.code < 500 { #expect(result.step != .fail) }
            if isReply, [.greeting, .ehlo, .auth, .starttls].contains(stage) { #expect(result.step != .fail) }
            if context.requiresTLS { #expect(result.step != .retryInClear) }
            if context.isLastHost { #expect(result.step != .nextHost) }
            if context.isLastSource { #expect(result.step != .nextSource) }
            if stage == .acknowledgement, !isReply { #expect(result.isAmbiguous && result.step == .defer) }
            if result.severity == .hard { #expect(result.step == .fail) }
            if isReply, detail?.subject == 7 { #expect(!result.condemnsAddress) }
            if isReply { #expect(result.status == reply) } else { #expect(result.status.detail != nil) }
            #expect(result.enhancedStatus.first == (result.step == .fail ? "5" : "4"))
        }
    }
}
