package import MailModel

/// What a call-out says of an address.
package enum CallOutResult: Equatable, Sendable {
    case exists
    case unknown
    /// Nobody said anything about the address: the host is down, busy, or refuses us.
    case unanswered

    /// A 2xx reply to RCPT, or a 5xx that is about the address (5.1.x; 550, 551 and 553 where there is no such code),
    /// speaks of it. A full mailbox, a refusal by policy, of the session or of the null reverse-path does not.
    package init(_ failure: Failure?) {
        guard let failure else {
            self = .exists
            return
        }
        guard failure.stage == .rcpt, let reply = failure.reply, reply.replyClass == .permanent else {
            self = .unanswered
            return
        }
        let isAboutAddress = reply.detail.map { $0.subject == 1 } ?? [550, 551, 553].contains(reply.code)
        self = isAboutAddress ? .unknown : .unanswered
    }
}
