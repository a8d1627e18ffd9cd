package import MailModel

/// All failure policy: what follows from each way in which an attempt can fail (RFC 5321 §4.2, §5.1).
///
/// Each rule is a `Verdict`; it says what the failure is about, where else to try in the same attempt, and how it ends
/// when there is nowhere else. What is tried elsewhere never fails a message: the next hop has not judged it.
package enum FailurePolicy {
    /// Where the attempt stood.
    package struct Context: Equatable, Sendable {
        /// No other address of the site is left to this attempt.
        package var isLastHost: Bool
        /// No other source of the pool is left to this attempt.
        package var isLastSource: Bool
        /// The TLS policy does not let the message go in clear.
        package var requiresTLS: Bool
        /// After the final dot each recipient has a reply of its own (RFC 2033).
        package var isLMTP: Bool

        package init(
            isLastHost: Bool, isLastSource: Bool = true, requiresTLS: Bool = false, isLMTP: Bool = false
        ) {
            self.isLastHost = isLastHost
            self.isLastSource = isLastSource
            self.requiresTLS = requiresTLS
            self.isLMTP = isLMTP
        }
    }

    /// - Parameter ruling: What a rule of the operator says of the reply. It may change class and severity where it does
    ///   not blame an address for what is not about it, and never the step.
    package static func disposition(
        of failure: Failure, in context: Context, ruling: BounceRuling? = nil
    ) -> Disposition {
        var disposition = disposition(of: failure, in: context)
        if let ruling, ruling.isAllowed(for: failure, disposition) { disposition.apply(ruling) }
        return disposition
    }

    private static func disposition(of failure: Failure, in context: Context) -> Disposition {
        let verdict = verdict(on: failure, in: context)
        let step: Disposition.Step =
            switch verdict.elsewhere {
            case .inClear: .retryInClear
            case .byDATA: .retryByDATA
            case .hosts where !context.isLastHost, .hostsAndSources where !context.isLastHost: .nextHost
            case .hostsAndSources where !context.isLastSource: .nextSource
            case .nowhere, .hosts, .hostsAndSources: verdict.end == .fail ? .fail : .defer
            }
        return Disposition(
            scope: verdict.scope, step: step, errorClass: verdict.errorClass, bounceClass: verdict.bounceClass,
            severity: verdict.bounceClass.severity.limited(to: step), effects: verdict.effects,
            isAmbiguous: verdict.isAmbiguous, status: verdict.status ?? own(status: verdict, failure))
    }

    private static func verdict(on failure: Failure, in context: Context) -> Verdict {
        if case .reply(let reply) = failure.cause {
            return ReplyRules.verdict(on: reply, at: failure.stage, in: context)
        }
        if case .lookup(let lookup) = failure.cause { return verdict(on: lookup) }
        if failure.stage == .acknowledgement { return .cutAfterContent(failure.cause) }
        if failure.stage == .starttls, failure.cause != .local {
            return TLSRules.verdict(on: failure.cause, in: context)
        }
        return switch failure.cause {
        case .timeout where failure.stage == .connect, .unreachable: .unreachable
        case .connectionRefused: .refused
        case .timeout where failure.stage.isBeforeMail: .silentHost
        case .connectionLost where failure.stage.isBeforeMail: .hostHangsUp
        case .timeout: .timeout
        case .connectionLost, .tlsFailed: .connectionLost
        case .protocolViolation: .protocolViolation
        case .missingExtension where failure.stage == .data: .chunkingRefused
        case .missingExtension: .missingExtension
        case .storage(let storage): .storage(storage)
        case .tooLarge: .tooLarge
        case .local, .reply, .lookup: .local
        }
    }

    private static func verdict(on lookup: Failure.LookupFailure) -> Verdict {
        switch lookup {
        case .noSuchDomain: .noSuchDomain
        case .noHost: .noHost
        case .nullMX: .nullMX
        case .temporary: .lookupFailed
        }
    }

    private static func own(status verdict: Verdict, _ failure: Failure) -> Reply {
        let (code, detail): (UInt16, StatusDetail) =
            verdict.end == .fail ? (verdict.code, verdict.detail) : (451, verdict.detail)
        return Reply(code, detail, failure.text)
    }
}

extension Failure.Stage {
    /// No recipient has been named.
    var isBeforeRecipients: Bool { isBeforeMail || self == .mail }

    /// Nothing of the message has been said yet.
    var isBeforeMail: Bool {
        switch self {
        case .resolve, .connect, .greeting, .ehlo, .starttls, .auth: true
        case .mail, .rcpt, .data, .content, .acknowledgement: false
        }
    }
}
