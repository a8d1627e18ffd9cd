package import MailModel

/// Results of call-outs, bounded in number: the one asked for longest ago goes first. Times are arguments.
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

    private struct Entry {
        var result: CallOutResult
        var since: MonotonicTime
        /// Grows with each use.
        var used: UInt64
    }

    private let capacity: Int
    private let times: Times
    private var entries: [Mailbox: Entry] = [:]
    private var clock: UInt64 = 0

    package init(capacity: Int, times: Times) { (self.capacity, self.times) = (max(1, capacity), times) }

    package var count: Int { entries.count }

    package mutating func answer(for mailbox: Mailbox, now: MonotonicTime) -> Answer {
        guard let entry = entries[mailbox] else { return .none }
        let age = now - entry.since
        guard age < expiry(of: entry.result) else {
            entries[mailbox] = nil
            return .none
        }
        clock += 1
        entries[mailbox]?.used = clock
        return .known(entry.result, isStale: entry.result == .exists && age >= times.positiveRefresh)
    }

    /// A good address stays good while its host does not answer.
    package mutating func store(_ result: CallOutResult, for mailbox: Mailbox, now: MonotonicTime) {
        if result == .unanswered, let known = entries[mailbox], known.result == .exists,
            now - known.since < times.positiveExpire
        {
            return
        }
        clock += 1
        if entries[mailbox] == nil, entries.count >= capacity { makeRoom() }
        entries[mailbox] = Entry(result: result, since: now, used: clock)
    }

    private func expiry(of result: CallOutResult) -> Duration {
        switch result {
        case .exists: times.positiveExpire
        case .unknown: times.negativeExpire
        case .unanswered: times.unansweredExpire
        }
    }

    /// A tenth at once, so that sorting is paid for by many additions.
    private mutating func makeRoom() {
        let leaving = entries.sorted { $0.value.used < $1.value.used }.prefix(max(1, capacity / 10))
        for (mailbox, _) in leaving { entries[mailbox] = nil }
    }
}
