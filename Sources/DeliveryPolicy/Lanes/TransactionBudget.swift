/// Bound on attempts begun whose outcome is not committed (`max_uncommitted`): what a kill may send twice.
///
/// Where it is scarce, lanes share it: while others wait, none goes beyond an equal share, and room is kept for the one
/// that has waited longest, so that a message with many recipients is not passed by small ones for ever.
package struct TransactionBudget: Sendable {
    package typealias Lane = Int

    private struct Claim {
        var held = 0
        /// What it was refused last; 0 while it does not wait.
        var wanted = 0
        /// Its place in `queue`.
        var ticket = 0
    }

    package var capacity: Int
    package private(set) var uncommitted = 0
    /// Lanes that hold a part or wait.
    private var claims: [Lane: Claim] = [:]
    private var waitingCount = 0
    /// Waiting lanes in the order of their first refusal; entries whose ticket is not the lane's are old.
    private var queue: [(lane: Lane, ticket: Int)] = []
    private var queueHead = 0
    private var tickets = 0

    package init(capacity: Int = 2_000) { self.capacity = max(1, capacity) }

    package func uncommitted(of lane: Lane) -> Int { claims[lane]?.held ?? 0 }

    /// Begins an attempt for `count` recipients if there is room. A lane that is refused waits: it asks again after the
    /// next commit, or says `stopWaiting`.
    ///
    /// A message with more recipients than the whole budget goes when nothing else is under way.
    package mutating func begin(_ lane: Lane, count: Int = 1) -> Bool {
        var claim = claims[lane] ?? Claim()
        guard mayBegin(lane, claim, max(1, count)) else {
            if claim.wanted == 0 {
                tickets += 1
                waitingCount += 1
                claim.ticket = tickets
                queue.append((lane, tickets))
            }
            claim.wanted = max(1, count)
            claims[lane] = claim
            return false
        }
        claim.held += count
        uncommitted += count
        claims[lane] = claim
        stopWaiting(lane)
        return true
    }

    /// Outcomes of the lane are committed, or its attempts ended without any.
    package mutating func committed(_ lane: Lane, count: Int) {
        guard var claim = claims[lane] else { return }
        let freed = min(count, claim.held)
        claim.held -= freed
        uncommitted -= freed
        claims[lane] = claim.held == 0 && claim.wanted == 0 ? nil : claim
    }

    /// The lane has nothing to begin any more.
    package mutating func stopWaiting(_ lane: Lane) {
        guard var claim = claims[lane] else { return }
        if claim.wanted > 0 {
            claim.wanted = 0
            waitingCount -= 1
            claims[lane] = claim
            forgetOldEntries()
        }
        if claim.held == 0 { claims[lane] = nil }
    }

    private func mayBegin(_ lane: Lane, _ claim: Claim, _ count: Int) -> Bool {
        if uncommitted == 0 { return true }
        guard uncommitted + count <= capacity else { return false }
        let othersWait = waitingCount > (claim.wanted > 0 ? 1 : 0)
        guard othersWait else { return true }
        let share = max(1, capacity / (claims.count + (claims[lane] == nil ? 1 : 0)))
        guard claim.held == 0 || claim.held + count <= share else { return false }
        guard queueHead < queue.count, queue[queueHead].lane != lane, let first = claims[queue[queueHead].lane] else {
            return true
        }
        // Kept for what fits into half: a lane that never asks again must not stop the node.
        let keepsRoom = first.wanted <= capacity / 2 && (first.held == 0 || first.held + first.wanted <= share)
        return !keepsRoom || uncommitted + count + first.wanted <= capacity
    }

    /// So that the head of the queue is a lane that waits, and old entries are no more than a constant share.
    private mutating func forgetOldEntries() {
        while queueHead < queue.count, !isWaiting(queue[queueHead]) { queueHead += 1 }
        guard queue.count > 2 * waitingCount + 32 else { return }
        queue = queue[queueHead...].filter { isWaiting($0) }
        queueHead = 0
    }

    private func isWaiting(_ entry: (lane: Lane, ticket: Int)) -> Bool {
        guard let claim = claims[entry.lane] else { return false }
        return claim.wanted > 0 && claim.ticket == entry.ticket
    }
}
