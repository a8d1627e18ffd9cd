import DeliveryPolicy
import Logging
import Spool

/// How many messages may wait in this node. Above it, partitions are not read on, and their mail waits in the log.
extension Dispatcher {
    private var queued: Int { stores.reduce(messages.count) { $0 + $1.count } }
    var isFull: Bool { queued >= settings.queueLimit }

    /// One partition may hold a part of what the node may, so that the backlog of one destination leaves room.
    private var partitionLimit: Int { settings.queueLimit / max(1, min(4, partitions.count)) }

    /// Whether a partition is not read on now; asked before each of its new records. What lies in the log keeps.
    ///
    /// What a batch brings waits only when its records are committed, so that a batch more than the limit may wait.
    func pauses(_ partition: Int, _ state: PartitionState, isFull: Bool) -> Bool {
        if paused.contains(partition) { return true }
        guard isFull || state.resting.count >= partitionLimit else { return false }
        paused.insert(partition)
        // Nothing else of it is on its way here, or it would come twice: the next batch is asked for after this one.
        subscription.pause(partition: partition)
        logger.warning(
            "intake of a partition pauses: too many messages wait",
            metadata: [
                "partition": "\(partition)", "messages": "\(state.resting.count)", "queued": "\(queued)",
                "limit": "\(settings.queueLimit)",
            ])
        return true
    }

    /// Goes on reading where there is room again, with some to spare, so that it does not pause at once.
    func resumeIntake() {
        guard !paused.isEmpty, !isStopping else { return }
        let hasRoom = queued < settings.queueLimit - settings.queueLimit / 20
        let limit = partitionLimit - partitionLimit / 20
        guard hasRoom else { return }
        for partition in paused {
            guard let state = partitions[partition], state.resting.count < limit, !state.isRevoked else { continue }
            paused.remove(partition)
            subscription.begin(partition: partition, at: state.ledger.intakeMark)
            logger.notice("intake of a partition goes on", metadata: ["partition": "\(partition)"])
        }
    }
}
