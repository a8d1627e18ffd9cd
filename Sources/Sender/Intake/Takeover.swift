import DeliveryPolicy
import MailModel
import Spool
import Synchronization

/// What a new owner of partitions reads before its first attempt.
enum Takeover {
    /// The ledgers that were committed last.
    ///
    /// No position is guessed: a partition without one is begun only where nothing was ever written, and then its
    /// position 0 is committed first (DESIGN §4).
    static func ledgers(
        of assignments: [SubscriptionEvent.Assignment], spool: any Spool, subscription: any Subscription
    ) async throws(SpoolError) -> [Int: Ledger] {
        let ends = try await spool.endOffsets(of: .mail)
        var ledgers: [Int: Ledger] = [:]
        var fresh: [CommittedPosition] = []
        for assignment in assignments {
            let partition = assignment.partition
            if let committed = assignment.committed {
                ledgers[partition] = try ledger(committed)
            } else if partition < ends.count, ends[partition] == 0 {
                ledgers[partition] = Ledger()
                fresh.append(
                    CommittedPosition(partition: partition, offset: 0, metadata: Ledger().metadata() ?? ""))
            } else {
                throw SpoolError(
                    .corrupt, "partition \(partition) of mail holds records but has no committed position")
            }
        }
        if !fresh.isEmpty { try await commit(SpoolTransaction(positions: fresh), subscription) }
        return ledgers
    }

    static func ledger(_ committed: CommittedPosition) throws(SpoolError) -> Ledger {
        do {
            return try Ledger(metadata: committed.metadata, committedOffset: committed.offset)
        } catch {
            throw SpoolError(
                .corrupt, "the ledger of partition \(committed.partition) cannot be read: \(error.rawValue)")
        }
    }

    private static func commit(
        _ transaction: SpoolTransaction, _ subscription: any Subscription
    ) async throws(SpoolError) {
        let result: Result<[Position], SpoolError> = await withCheckedContinuation { continuation in
            subscription.commit(transaction) { continuation.resume(returning: $0) }
        }
        _ = try result.get()
    }

    /// What a schedule partition holds: the messages that wait, laid down, and DSNs still to be written.
    struct Schedule: Sendable {
        let resting: RestingStore
        var notices: [(key: ScheduleKey, entry: ScheduleEntry)] = []
    }

    static func schedule(
        of partition: Int, spool: any Spool, unreadable: @escaping @Sendable (String, SpoolError) -> Void
    ) async throws(SpoolError) -> Schedule {
        // Filled by one batch after the other; the lock is for the compiler.
        let notices = Mutex<[ScheduleKey: ScheduleEntry]>([:])
        let resting = Mutex(RestingStore(partition: partition))
        try await spool.replay(.schedule, partition: partition) { records in
            for record in records {
                guard let key = ScheduleKey(record.key) else { continue }
                do throws(SpoolError) {
                    let entry = try record.value.map { value throws(SpoolError) in try ScheduleEntry(decoding: value) }
                    guard case .entry(let id, let part) = key else {
                        notices.withLock { $0[key] = entry }
                        continue
                    }
                    resting.withLock { store in
                        if let entry {
                            store.put(entry, record: record.position.offset, Rest(after: entry))
                        } else if let slot = store.slot(of: QueuedMessage.Key(queueID: id, part: part)) {
                            store.remove(slot)
                        }
                    }
                } catch {
                    unreadable(record.key, error)
                }
            }
        }
        return Schedule(
            resting: resting.withLock { $0 }, notices: notices.withLock { $0.map { (key: $0.key, entry: $0.value) } })
    }
}

extension Rest {
    /// As an earlier owner put it down. A parked message waits for room, and its lane has none taken yet; oldest first.
    init(after entry: ScheduleEntry) {
        switch entry.state {
        case .parked, .running: self.init(due: min(entry.arrival, entry.expiry))
        case .held: self.init(due: entry.expiry)
        case .scheduled: self.init(due: min(entry.due, entry.expiry))
        }
    }
}
