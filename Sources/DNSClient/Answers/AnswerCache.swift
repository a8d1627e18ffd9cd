internal import MailModel

/// What a host list was asked for.
package struct LookupKey: Hashable, Sendable {
    package enum Kind: Sendable {
        /// The domain of a mailbox: MX, or what stands for it.
        case destination
        /// A host given by name: addresses only.
        case host
    }

    package var kind: Kind
    package var name: String

    package init(kind: Kind, name: String) { (self.kind, self.name) = (kind, name) }
}

/// Bounded map of host lists with an end of life each.
///
/// Replacement is second-chance: an entry used since the hand last passed stays for another round, so that reading
/// writes one flag and moves nothing. Not thread-safe; its owner locks.
package struct AnswerCache: Sendable {
    private struct Slot {
        var key: LookupKey
        var answer: MailHostsAnswer
        var expiry: ContinuousClock.Instant
        var wasUsed: Bool
    }

    private let capacity: Int
    private var slots: [Slot] = []
    private var index: [LookupKey: Int] = [:]
    private var hand = 0

    package init(capacity: Int) { self.capacity = max(capacity, 1) }

    package var count: Int { slots.count }

    package mutating func answer(for key: LookupKey, now: ContinuousClock.Instant) -> MailHostsAnswer? {
        guard let position = index[key], slots[position].expiry > now else { return nil }
        slots[position].wasUsed = true
        return slots[position].answer
    }

    /// - Parameter ttl: Seconds, as the records had it.
    package mutating func store(
        _ answer: MailHostsAnswer, for key: LookupKey, ttl: Int, now: ContinuousClock.Instant
    ) {
        let slot = Slot(
            key: key, answer: answer, expiry: now + .seconds(Self.lifetime(of: answer, ttl: ttl)), wasUsed: false)
        if let position = index[key] {
            slots[position] = slot
        } else if slots.count < capacity {
            index[key] = slots.count
            slots.append(slot)
        } else {
            while slots[hand].wasUsed, slots[hand].expiry > now {
                slots[hand].wasUsed = false
                hand = (hand + 1) % slots.count
            }
            index[slots[hand].key] = nil
            index[key] = hand
            slots[hand] = slot
            hand = (hand + 1) % slots.count
        }
    }

    /// Seconds: the TTL within 5 s to 1 h; at most 5 min for what says no, and 30 s for what went wrong.
    package static func lifetime(of answer: MailHostsAnswer, ttl: Int) -> Int {
        switch answer {
        case .success: min(max(ttl, 5), 3600)
        case .failure(let error): error.failure == .temporary ? 30 : min(max(ttl, 5), 300)
        }
    }
}
