import DeliveryPolicy
import Logging
import MailModel
import NIOCore
import Spool

extension Dispatcher {
    /// Starts a commit when there are outcomes enough, or a timer for the few. One runs at a time; the next batch is
    /// collected behind it.
    func planCommit() {
        guard committing == nil, !batch.isEmpty else { return }
        if batch.size >= settings.commitSize || isStopping { return commit() }
        guard commitTimer == nil else { return }
        commitTimer = loop.scheduleTask(in: settings.commitInterval) { [self] in
            commitTimer = nil
            if committing == nil { commit() }
        }
    }

    private func commit() {
        commitTimer?.cancel()
        commitTimer = nil
        storeOverflow(of: batch.partitions)
        var transaction = SpoolTransaction()
        var stored: [(index: Int, message: QueuedMessage)] = []
        for (partition, records) in batch.records {
            let first = transaction.records.count
            transaction.records += records
            for (index, message) in batch.stored[partition] ?? [] { stored.append((first + index, message)) }
        }
        for partition in batch.partitions {
            guard var state = partitions[partition] else { continue }
            state.ledger.transaction += 1
            partitions[partition] = state
            guard let metadata = state.ledger.metadata() else {
                preconditionFailure("a ledger does not fit after its overflow was stored")
            }
            transaction.positions.append(
                CommittedPosition(
                    partition: partition, offset: state.ledger.committedOffset, metadata: metadata))
        }
        let taken = batch
        batch = OutcomeBatch()
        committing = taken
        storing = stored
        if transaction.isEmpty { return committed([], began: .now()) }
        write(transaction, began: .now(), attempt: 1)
    }

    private func write(_ transaction: SpoolTransaction, began: NIODeadline, attempt: Int) {
        subscription.commit(transaction) { [self] result in
            loop.execute {
                switch result {
                case .success(let positions): self.committed(positions, began: began)
                case .failure(let error): self.commitFailed(transaction, error, began: began, attempt: attempt)
                }
            }
        }
    }

    private func committed(_ positions: [Position], began: NIODeadline) {
        guard let done = committing else { return }
        committing = nil
        for (index, message) in storing { recordCommitted(message, at: positions[index].offset) }
        storing = []
        metrics.committed(done, took: NIODeadline.now() - began)
        for (lane, count) in done.counted { gauge.committed(count, lane: lane) }
        for group in groups { group.loop.execute { group.gaugeFell() } }
        for message in done.ended where messages[message.key] === message { messages[message.key] = nil }
        for notice in done.notices { write(notice) }
        resumeIntake()
        let waiters = commitWaiters
        commitWaiters = []
        for waiter in waiters { waiter.succeed() }
        planCommit()
        // What is called back waits while commits lag behind.
        planTurn()
    }

    /// The same transaction again, until the spool takes it: meanwhile `max_uncommitted` stops new attempts.
    private func commitFailed(_ transaction: SpoolTransaction, _ error: SpoolError, began: NIODeadline, attempt: Int) {
        guard error.isRetriable else {
            logger.critical("outcomes cannot be committed; the sender gives up", metadata: ["error": "\(error)"])
            return fail(error)
        }
        let wait = TimeAmount.milliseconds(min(5000, 100 << min(attempt, 6)))
        logger.error(
            "outcomes cannot be committed now; trying again",
            metadata: ["error": "\(error)", "attempt": "\(attempt)", "recipients": "\(gauge.count)"])
        loop.scheduleTask(in: wait) { [self] in write(transaction, began: began, attempt: attempt + 1) }
    }
}
