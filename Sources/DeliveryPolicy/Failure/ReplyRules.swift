import MailModel

/// The rules for replies that refuse, by stage.
enum ReplyRules {
    static func verdict(on reply: Reply, at stage: Failure.Stage, in context: FailurePolicy.Context) -> Verdict {
        // A reply that refuses nothing, where it stands, is no status of a failure.
        guard reply.replyClass == .transient || reply.replyClass == .permanent else { return .protocolViolation }
        var verdict = rule(for: reply, at: stage, in: context)
        verdict.status = reply
        return verdict
    }

    private static func rule(for reply: Reply, at stage: Failure.Stage, in context: FailurePolicy.Context) -> Verdict {
        let finding = ReplyClassifier.finding(of: reply, at: stage)
        if reply.code == 421 { return closing(finding, at: stage) }
        let isPermanent = reply.replyClass == .permanent
        switch stage {
        case .resolve, .connect, .greeting, .ehlo:
            return isPermanent ? sessionRefused(finding, .refused) : sessionPostponed(finding)
        case .starttls:
            return TLSRules.verdict(on: reply, in: context)
        case .auth:
            return sessionRefused(Finding(bounceClass: .badConfiguration), .authFailed)
        case .mail:
            guard isPermanent else { return postponed(finding, .message, .mail4xx) }
            return finding.isAboutSession ? sessionRefused(finding, .mail4xx) : failed(finding, .message)
        case .rcpt:
            // RFC 5321 §4.5.3.1.10: servers of old say 552 for "too many recipients", where 452 is meant.
            let isPostponed =
                !isPermanent || (reply.code == 552 && (reply.detail ?? tooManyRecipients) == tooManyRecipients)
            return isPostponed ? postponed(finding, .recipient, .rcpt4xx) : failed(finding, .recipient)
        case .data, .content:
            return isPermanent ? failed(finding, .message) : postponed(finding, .message, .data4xx)
        case .acknowledgement:
            let scope: Disposition.Scope = context.isLMTP ? .recipient : .message
            return isPermanent ? failed(finding, scope) : postponed(finding, scope, .data4xx)
        }
    }

    private static let tooManyRecipients = StatusDetail(5, 3)

    /// 421 may come at any time and is about the connection alone (RFC 5321 §3.8).
    private static func closing(_ finding: Finding, at stage: Failure.Stage) -> Verdict {
        let errorClass: ErrorClass =
            switch stage {
            case .resolve, .connect, .greeting, .ehlo: .refused
            case .starttls: .refused
            case .auth: .authFailed
            case .mail: .mail4xx
            case .rcpt: .rcpt4xx
            case .data, .content, .acknowledgement: .data4xx
            }
        return Verdict(
            scope: .session, elsewhere: .hosts, errorClass: errorClass, bounceClass: finding.bounceClass,
            effects: [.slowLane, .closesConnection])
    }

    private static func sessionPostponed(_ finding: Finding) -> Verdict {
        Verdict(
            scope: .session, elsewhere: .hosts, errorClass: finding.errorClass ?? .refused,
            bounceClass: finding.bounceClass, effects: [.slowLane, .closesConnection])
    }

    /// Refused before the message was looked at: another host or source may be welcome, and in the end time helps.
    private static func sessionRefused(_ finding: Finding, _ errorClass: ErrorClass) -> Verdict {
        Verdict(
            scope: .session, elsewhere: .hostsAndSources, errorClass: finding.errorClass ?? errorClass,
            bounceClass: finding.bounceClass, effects: [.slowLane, .closesConnection])
    }

    private static func postponed(_ finding: Finding, _ scope: Disposition.Scope, _ errorClass: ErrorClass) -> Verdict {
        Verdict(
            scope: scope, errorClass: finding.errorClass ?? errorClass, bounceClass: finding.bounceClass,
            effects: finding.isThrottled ? .slowLane : [])
    }

    private static func failed(_ finding: Finding, _ scope: Disposition.Scope) -> Verdict {
        Verdict(
            scope: scope, end: .fail, errorClass: finding.errorClass ?? .other, bounceClass: finding.bounceClass)
    }
}
