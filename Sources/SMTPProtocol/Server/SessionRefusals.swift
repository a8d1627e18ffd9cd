internal import MailModel

/// Transactions and recipients that a session refused by itself, without asking its adapter: for the log, not for the
/// dialogue. A bounded number of a session is told, as a scanner gets thousands; the rest is counted.
package struct SessionRefusals: Sendable {
    package enum Stage: Sendable { case mail, rcpt, content, session }

    package struct One: Sendable, Equatable {
        package var stage: Stage
        package var reply: ServerReply
        /// Empty for the null reverse-path; `nil` where it was not understood.
        package var reversePath: String?
        /// `nil` where there was none yet, or it was not understood.
        package var recipient: String?
        package var ehlo: String?
    }

    fileprivate(set) var waiting: [One] = []
    fileprivate var told = 0
    fileprivate(set) var more = 0
}

extension ServerSession {
    package var hasUntoldRefusals: Bool { !untold.waiting.isEmpty || untold.more > 0 }

    /// - Returns: Those since the last call; and the number of those beyond `toldRefusals`.
    package mutating func takeRefusals() -> (refusals: [SessionRefusals.One], more: Int) {
        defer { (untold.waiting, untold.more) = ([], 0) }
        return (untold.waiting, untold.more)
    }

    /// Called before the envelope is forgotten. Content is refused for each recipient, as it would be delivered.
    ///
    /// - Parameter pending: The recipient that was read last is the one refused.
    mutating func noteRefusal(_ reply: ServerReply, _ stage: SessionRefusals.Stage, pending: Bool = false) {
        guard configuration.toldRefusals > 0 else { return }
        let slots = stage == .content ? envelope.recipients : pending ? [pendingRecipient] : []
        let room = max(0, configuration.toldRefusals - untold.told)
        let count = max(1, slots.count)
        for index in 0..<min(room, count) {
            // At MAIL what was read of the path may be half of it.
            let hasSender = stage == .rcpt || stage == .content
            untold.waiting.append(
                SessionRefusals.One(
                    stage: stage, reply: reply, reversePath: hasSender ? envelope.text(envelope.reversePath) : nil,
                    recipient: index < slots.count ? envelope.text(slots[index].path) : nil,
                    ehlo: clientName.isEmpty ? nil : String(decoding: clientName, as: UTF8.self)))
        }
        untold.told += min(room, count)
        untold.more += count - min(room, count)
    }
}

extension EnvelopeArena {
    /// As in events: `local@domain`, empty for the null path.
    func text(_ path: ParsedPath) -> String {
        guard !path.isNull else { return "" }
        func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        guard path.hasDomain else { return string(path.localPart) }
        return Mailbox(localPart: string(path.localPart), domain: Domain(canonical: string(path.domain))).description
    }
}
