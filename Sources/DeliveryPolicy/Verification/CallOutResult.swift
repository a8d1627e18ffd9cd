package import MailModel

/// What a call-out says of an address.
package enum CallOutResult: Equatable, Sendable {
    case exists
    case unknown
    /// Nobody said anything about the address: the host is down, busy, or refuses us.
    case unanswered

    /// A 2xx or 5xx reply to RCPT alone speaks of the address. A refusal by policy (5.7.x), or of the session or the
    /// null reverse-path, speaks of us; whoever cannot take it now may take it later.
    package init(_ failure: Failure?) {
        guard let failure else {
            self = .exists
            return
        }
        guard failure.stage == .rcpt, let reply = failure.reply, reply.replyClass == .permanent,
            reply.detail?.subject != 7
        else {
            self = .unanswered
            return
        }
        self = .unknown
    }
}
