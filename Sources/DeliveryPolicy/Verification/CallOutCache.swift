package import MailModel

/// Results of call-outs, bounded in number. Times are arguments.
///
/// Two generations: what is used moves to the young one; when that is half of the bound, it becomes the old one, and what
/// nobody asked for since the last change is forgotten. No step looks at all entries.
package struct CallOutCache: Sendable {
    /// How long results stand; names and meanings are those of Postfix's `address_verify_*`.
    package struct Times: Equatable, Sendable {
        package var positiveExpire: Duration = .seconds(31 * 86_400)
        /// From then on a good address is asked for again, while the mail goes through.
        package var positiveRefresh: Duration = .seconds(7 * 86_400)
        package var negativeExpire: Duration = .seconds(3 * 3600)
        /// How long a host that did not answer is not asked again for the address.
        package var unansweredExpire: Duration = .seconds(60)

        package init() {}
    }

    package enum Answer: Equatable, Sendable {
        case none
        case known(CallOutResult, isStale: Bool)
    }

    private struct Kept {
        var result: CallOutResult
        var since: MonotonicTime
    }

    private let half: Int
    private let times: Times
    private var young: [Mailbox: Kept] = [:]
    private var old: [Mailbox: Kept] = [:]

    package init(capacity: Int, times: Times) { (half, self.times) = (max(1, capacity / 2), times) }

    package var count: Int { young.count + old.count }

    package mutating func answer(for mailbox: Mailbox, now: MonotonicTime) -> Answer {
        guard let entry = take(mailbox) else { return .none }
        let age = now - entry.since
        guard age < expiry(of: entry.result) else { return .none }
        keep(entry, for: mailbox)
        return .known(entry.result, isStale: entry.result == .exists && age >= times.positiveRefresh)
    }

    /// A good address stays good while its host does not answer.
    package mutating func store(_ result: CallOutResult, for mailbox: Mailbox, now: MonotonicTime) {
        let known = take(mailbox)
        if result == .unanswered, let known, known.result == .exists, now - known.since < times.positiveExpire {
            return keep(known, for: mailbox)
        }
        keep(Kept(result: result, since: now), for: mailbox)
    }

    private mutating func take(_ mailbox: Mailbox) -> Kept? {
        young.removeValue(forKey: mailbox) ?? old.removeValue(forKey: mailbox)
    }

    private mutating func keep(_ entry: Kept, for mailbox: Mailbox) {
        if young.count >= half { (old, young) = (young, [:]) }
        young[mailbox] = entry
    }

    private func expiry(of result: CallOutResult) -> Duration {
        switch result {
        case .exists: times.positiveExpire
        case .unknown: times.negativeExpire
        case .unanswered: times.unansweredExpire
        }
    }
}
