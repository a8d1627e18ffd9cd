import MailModel

/// What a refusing reply is about.
struct Finding: Equatable {
    var bounceClass: BounceClass
    /// Where the reply itself names one that differs from its stage's.
    var errorClass: ErrorClass?
    /// The host asks for less mail at a time.
    var isThrottled = false
    /// It refuses us, not the message: client, source or originator's standing.
    var isAboutSession = false
}

/// Reads replies: words that leave no doubt, then the enhanced code, then other words, then the code, then the stage.
///
/// Words come before codes for blocks because a host that blocks may say 5.1.1, and an address must never be condemned
/// for the sake of a source.
enum ReplyClassifier {
    static func finding(of reply: Reply, at stage: Failure.Stage) -> Finding {
        let words = ReplyWords(reply.text)
        let bounceClass = bounceClass(of: reply, words, at: stage).fitting(stage)
        var finding = Finding(bounceClass: bounceClass)
        finding.errorClass = errorClass(of: reply, words, bounceClass, at: stage)
        finding.isThrottled = reply.replyClass == .transient && words.contain(KnownWords.throttling)
        let isAuthenticationCode = reply.code == 530 || reply.code == 535 || reply.code == 538
        finding.isAboutSession =
            reply.detail?.subject == 7 || bounceClass == .policyRelated || bounceClass == .spamRelated
            || bounceClass == .relayingIssues || isAuthenticationCode
        return finding
    }

    /// Refuses by a policy, whatever its code says: 5.7.x, or a text known for it.
    static func isBlock(_ reply: Reply) -> Bool {
        reply.detail?.subject == 7 || ReplyWords(reply.text).first(of: KnownWords.blocks) != nil
    }

    private static func bounceClass(of reply: Reply, _ words: ReplyWords, at stage: Failure.Stage) -> BounceClass {
        if let found = words.first(of: KnownWords.blocks) { return found }
        if let detail = reply.detail {
            if detail.subject == 7 { return words.first(of: KnownWords.security) ?? .policyRelated }
            if let found = exact(detail) { return found }
        }
        return words.first(of: KnownWords.others) ?? reply.detail.flatMap(vague) ?? byCode(reply.code, at: stage)
    }

    /// Details that hosts use as RFC 3463 §3 and the IANA registry mean them.
    private static func exact(_ detail: StatusDetail) -> BounceClass? {
        switch (detail.subject, detail.detail) {
        case (1, 2), (1, 10): .badDomain
        case (1, 7), (1, 8): .invalidSender
        case (1, 1), (1, 3), (1, 4), (1, 6): .badMailbox
        case (2, 1): .inactiveMailbox
        case (2, 2), (3, 1): .quotaIssues
        case (2, 3), (3, 4), (6, _): .contentRelated
        case (4, 6): .routingErrors
        case (4, 7): .messageExpired
        default: nil
        }
    }

    /// Details that hosts also use for other things; their words are more to be trusted.
    private static func vague(_ detail: StatusDetail) -> BounceClass? {
        switch (detail.subject, detail.detail) {
        case (1, 0): .badMailbox
        case (3, 5): .badConfiguration
        case (4, 1): .noAnswerFromHost
        case (4, 2), (4, 5): .badConnection
        case (4, _): .routingErrors
        case (5, 3): .other
        case (5, 1), (5, 2), (5, 4), (5, 5): .protocolErrors
        default: nil
        }
    }

    private static func byCode(_ code: UInt16, at stage: Failure.Stage) -> BounceClass {
        switch code {
        case 500...504: .protocolErrors
        case 530, 535, 538: .badConfiguration
        case 452, 552: stage == .rcpt ? .quotaIssues : stage == .greeting ? .badConnection : .contentRelated
        case 551: .badMailbox
        case 553: stage == .mail ? .invalidSender : .badMailbox
        case 556: .badDomain
        case 421, 521: .badConnection
        default: stage.isBeforeMail ? .badConnection : .other
        }
    }

    private static func errorClass(
        of reply: Reply, _ words: ReplyWords, _ bounceClass: BounceClass, at stage: Failure.Stage
    ) -> ErrorClass? {
        if reply.replyClass == .transient, !stage.isBeforeMail {
            if words.contain(KnownWords.greylisting) { return .greylisting }
            // Postgrey, Exim's and many others say 4.7.1 in words of their own; a stated reason is another matter.
            let isPlain471 = reply.detail == StatusDetail(7, 1) && bounceClass == .policyRelated
            if stage == .rcpt, isPlain471, !words.contain(KnownWords.reasons) { return .greylisting }
        }
        if bounceClass == .quotaIssues, reply.detail != StatusDetail(5, 3), !words.contain(KnownWords.crowds) {
            return .quota
        }
        if reply.code == 530 || reply.detail == StatusDetail(7, 10), words.contain(KnownWords.encryption) {
            return .tlsRequired
        }
        return nil
    }
}

extension BounceClass {
    /// Before RCPT a reply is not about a recipient: to MAIL it is about the originator, before that about us.
    fileprivate func fitting(_ stage: Failure.Stage) -> BounceClass {
        guard isAboutAddress, stage.isBeforeRecipients else { return self }
        return stage == .mail ? .invalidSender : .badConnection
    }
}
