import DeliveryPolicy
import Synchronization

/// Recipients whose attempt has begun and whose outcome is not committed; never above `max_uncommitted`.
///
/// Shared by all loops of the node: lanes ask before MAIL, the dispatcher gives back after a commit.
package final class UncommittedGauge: Sendable {
    private let budget: Mutex<TransactionBudget>

    init(limit: Int) { budget = Mutex(TransactionBudget(capacity: limit)) }

    var limit: Int { budget.withLock { $0.capacity } }

    /// Attempts that run already go on, also above a lower limit.
    func set(limit: Int) { budget.withLock { $0.capacity = max(1, limit) } }

    func begin(_ recipients: Int, lane: Int) -> Bool { budget.withLock { $0.begin(lane, count: recipients) } }
    func committed(_ recipients: Int, lane: Int) { budget.withLock { $0.committed(lane, count: recipients) } }
    /// The lane has nothing to begin any more.
    func stopWaiting(_ lane: Int) { budget.withLock { $0.stopWaiting(lane) } }

    package var count: Int { budget.withLock { $0.uncommitted } }
}
