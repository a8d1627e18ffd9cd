import MailModel

/// One rule of the failure policy, before the attempt's context turns it into a step.
struct Verdict {
    /// Where the same attempt may go on.
    enum Elsewhere { case nowhere, hosts, hostsAndSources, inClear, byDATA }
    enum End { case `defer`, fail }

    var scope: Disposition.Scope
    var elsewhere: Elsewhere = .nowhere
    var end: End = .defer
    var errorClass: ErrorClass = .other
    var bounceClass: BounceClass
    var effects: Disposition.Effects = []
    var isAmbiguous = false
    /// The host's reply, where there is one.
    var status: Reply?
    /// Of the status without a reply: the code of a final failure, and what RFC 3463 calls it.
    var code: UInt16 = 550
    var detail = StatusDetail(0, 0)
}

/// The rules for failures without a reply.
extension Verdict {
    // No host to connect to.
    static let noSuchDomain = Verdict(
        scope: .message, end: .fail, errorClass: .lookup, bounceClass: .badDomain, detail: StatusDetail(1, 2))
    static let noHost = Verdict(
        scope: .message, end: .fail, errorClass: .lookup, bounceClass: .badDomain, detail: StatusDetail(4, 4))
    /// RFC 7505 §4.2 gives code and detail.
    static let nullMX = Verdict(
        scope: .message, end: .fail, errorClass: .lookup, bounceClass: .badDomain, code: 556,
        detail: StatusDetail(1, 10))
    static let lookupFailed = Verdict(
        scope: .message, errorClass: .lookup, bounceClass: .routingErrors, detail: StatusDetail(4, 3))

    // A host that does not answer says nothing about the message, however often (RFC 5321 §5.1).
    static let refused = Verdict(
        scope: .host, elsewhere: .hosts, errorClass: .refused, bounceClass: .noAnswerFromHost,
        effects: [.hostUnusable, .closesConnection], detail: StatusDetail(4, 1))
    static let unreachable = Verdict(
        scope: .host, elsewhere: .hosts, errorClass: .timeoutConnect, bounceClass: .noAnswerFromHost,
        effects: [.hostUnusable, .closesConnection], detail: StatusDetail(4, 1))
    static let silentHost = Verdict(
        scope: .host, elsewhere: .hosts, errorClass: .timeout, bounceClass: .noAnswerFromHost,
        effects: [.hostUnusable, .closesConnection], detail: StatusDetail(4, 2))
    static let hostHangsUp = Verdict(
        scope: .host, elsewhere: .hosts, errorClass: .lostConnection, bounceClass: .badConnection,
        effects: [.hostUnusable, .slowLane, .closesConnection], detail: StatusDetail(4, 2))

    // The session broke inside a transaction: the host works, so it keeps its good name.
    static let timeout = Verdict(
        scope: .session, elsewhere: .hosts, errorClass: .timeout, bounceClass: .badConnection,
        effects: [.slowLane, .closesConnection], detail: StatusDetail(4, 2))
    static let connectionLost = Verdict(
        scope: .session, elsewhere: .hosts, errorClass: .lostConnection, bounceClass: .badConnection,
        effects: [.slowLane, .closesConnection], detail: StatusDetail(4, 2))
    static let protocolViolation = Verdict(
        scope: .host, elsewhere: .hosts, errorClass: .other, bounceClass: .protocolErrors,
        effects: [.slowLane, .closesConnection], detail: StatusDetail(5, 0))

    // The message is more than the host offers to take; the connection stands.
    static let missingExtension = Verdict(
        scope: .message, elsewhere: .hosts, end: .fail, bounceClass: .contentRelated, code: 553,
        detail: StatusDetail(6, 7))
    /// It says BDAT is unknown, so it took nothing: DATA is free to try.
    static let chunkingRefused = Verdict(
        scope: .session, elsewhere: .byDATA, bounceClass: .protocolErrors, effects: .closesConnection,
        detail: StatusDetail(5, 1))
    static let tooLarge = Verdict(
        scope: .message, end: .fail, bounceClass: .contentRelated, code: 552, detail: StatusDetail(3, 4))

    /// A mailbox on this machine cannot be written to now. It is about one mailbox: others may lie elsewhere.
    static func storage(_ storage: Failure.StorageFailure) -> Verdict {
        switch storage {
        case .full: Verdict(scope: .recipient, bounceClass: .other, detail: StatusDetail(3, 1))
        case .quota:
            Verdict(
                scope: .recipient, errorClass: .quota, bounceClass: .quotaIssues, detail: StatusDetail(2, 2))
        case .denied: Verdict(scope: .recipient, bounceClass: .badConfiguration, detail: StatusDetail(3, 5))
        case .failed: Verdict(scope: .recipient, bounceClass: .other, detail: StatusDetail(3, 0))
        }
    }

    static let local = Verdict(
        scope: .message, bounceClass: .other, effects: .closesConnection, detail: StatusDetail(3, 2))

    /// The host may hold the message: to ask another host now would make a sure duplicate of a possible one.
    static func cutAfterContent(_ cause: Failure.Cause) -> Verdict {
        let violates = cause == .protocolViolation
        return Verdict(
            scope: .message, errorClass: cause == .timeout ? .timeout : violates ? .other : .lostConnection,
            bounceClass: violates ? .protocolErrors : .badConnection,
            effects: cause == .local ? .closesConnection : [.slowLane, .closesConnection], isAmbiguous: true,
            detail: violates ? StatusDetail(5, 0) : StatusDetail(4, 2))
    }
}
