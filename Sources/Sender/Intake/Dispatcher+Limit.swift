import DeliveryPolicy
import Logging
import Spool

/// How many messages may wait in this node. Above it, partitions are not read on, and their mail waits in the log.
extension Dispatcher {
    private var queued: Int { partitions.values.reduce(messages.count) { $0 + $1.resting.count } }

    /// One partition may hold a part of what the node may, so that the backlog of one destination leaves room.
    private var partitionLimit: Int { settings.queueLimit / max(1, min(4, partitions.count)) }

    /// Stops reading partitions that hold what they may; what lies in the log keeps.
    func pauseIntake() {
        let isFull = queued >= settings.queueLimit
        let limit = partitionLimit
        for (partition, state) in partitions where !state.isPaused && (isFull || state.resting.count >= limit) {
            // Records of before the take-over are still to be seen.
            guard state.toReload == 0 else { continue }
            partitions[partition]?.isPaused = true
            subscription.pause(partition: partition)
            logger.warning(
                "intake of a partition pauses: too many messages wait",
                metadata: [
                    "partition": "\(partition)", "messages": "\(state.resting.count)", "queued": "\(queued)",
                    "limit": "\(settings.queueLimit)",
                ])
        }
    }

    /// Goes on reading where there is room again, with some to spare, so that it does not pause at once.
    func resumeIntake() {
        guard partitions.values.contains(where: \.isPaused), !isStopping else { return }
        let hasRoom = queued < settings.queueLimit - settings.queueLimit / 20
        let limit = partitionLimit - partitionLimit / 20
        guard hasRoom else { return }
        for (partition, state) in partitions where state.isPaused && state.resting.count < limit && !state.isRevoked {
            partitions[partition]?.isPaused = false
            subscription.begin(partition: partition, at: state.ledger.intakeMark)
            logger.notice("intake of a partition goes on", metadata: ["partition": "\(partition)"])
        }
    }
}
