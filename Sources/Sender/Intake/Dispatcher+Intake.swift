import DeliveryPolicy
import Logging
import MailModel
import NIOCore
import Spool

extension Dispatcher {
    /// Becomes the owner of a partition: its ledger, and the messages its schedule holds.
    func adopt(_ partition: Int, ledger: Ledger, schedule: Takeover.Schedule) {
        lastEpoch += 1
        let resting = schedule.resting
        var state = PartitionState(epoch: lastEpoch, ledger: ledger, resting: resting)
        state.queuedRecipients = resting.recipients.values.reduce(0, +)
        partitions[partition] = state
        stores.append(resting)
        for (key, entry) in schedule.notices {
            write(PendingNotice(key: key, partition: partition, epoch: lastEpoch, entry: entry))
        }
        for command in commands where !command.selector.isMomentary { _ = mark(command, in: partition, state) }
        planTurn()
    }

    /// Takes mail records in, in the order of their offsets. Never waits for a lane.
    ///
    /// - Returns: Succeeds when the sender is ready for more.
    func take(_ records: [StoredRecord]) -> EventLoopFuture<Void> {
        if let fatal { return loop.makeFailedFuture(fatal) }
        let isFull = isFull
        for record in records { take(record, isFull: isFull) }
        planTurn()
        guard batch.size >= 2 * settings.commitSize else { return loop.makeSucceededVoidFuture() }
        let promise = loop.makePromise(of: Void.self)
        commitWaiters.append(promise)
        return promise.futureResult
    }

    private func take(_ record: StoredRecord, isFull: Bool) {
        guard !isStopping, let (epoch, resting, isNew) = begin(record.position, isFull: isFull) else { return }
        let (partition, offset) = (record.position.partition, record.position.offset)
        do {
            let mail = try MessageRecord(record)
            let lifetime = mail.wishes.lifetime ?? settings.lifetime
            let message = QueuedMessage(
                entry: ScheduleEntry(mail, at: offset, expiry: mail.arrival + lifetime), partition: partition,
                epoch: epoch, content: mail.content, body: mail.envelope.body)
            guard messages[message.key] == nil, resting.slot(of: message.key) == nil else {
                return passOver(message)
            }
            messages[message.key] = message
            partitions[partition]?.queuedRecipients += message.recipientCount
            if isNew { noteAccepted(mail, message) }
            applyEarlierCommands(to: message)
            if case .left = message.state { place(message) }
        } catch {
            setAside(record, error)
        }
    }

    /// Notes in the ledger that a record is taken; a place of its own, so that no copy of the ledger outlives it.
    ///
    /// - Returns: `nil` where the record is not to be taken, or not now.
    private func begin(
        _ position: Position, isFull: Bool
    ) -> (epoch: UInt64, resting: RestingStore, isNew: Bool)? {
        let (partition, offset) = (position.partition, position.offset)
        guard let state = partitions[partition], !state.isRevoked else { return nil }
        let isNew = offset >= state.ledger.intakeMark
        guard isNew || state.ledger.isUnfinished(offset) else { return nil }
        // It will be read again.
        if isNew, pauses(partition, state, isFull: isFull) { return nil }
        let found = (state.epoch, state.resting, isNew)
        note(offset, of: partition, isNew: isNew)
        return found
    }

    private func note(_ offset: Int64, of partition: Int, isNew: Bool) {
        if isNew {
            partitions[partition]?.ledger.taken(offset)
        } else {
            partitions[partition]?.toReload -= 1
        }
        batch.touch(partition)
    }

    private func noteAccepted(_ mail: MessageRecord, _ message: QueuedMessage) {
        partitions[message.partition]?.ledger.totals.accepted += UInt64(message.recipientCount)
        for recipient in message.entry.recipients {
            var event = events.event(.accepted, message, recipient, at: mail.arrival)
            event.client = DeliveryEvent.Client(
                address: mail.origin.clientAddress, ehlo: mail.origin.ehlo, user: mail.origin.user)
            event.listener = mail.origin.listener
            event.session = mail.origin.session
            event.tls = mail.origin.tls
            event.node = mail.origin.node
            event.protocol = "smtp"
            batch.add(events.record(of: event, partition: message.partition), partition: message.partition)
        }
        batch.accepted[mail.origin.listener ?? "", default: 0] += message.recipientCount
        batch.grow()
    }

    /// A second record of a queue ID whose first is still queued: a DSN was written again after a crash.
    private func passOver(_ message: QueuedMessage) {
        // The same record again is no second one, and still to be finished.
        if messages[message.key]?.entry.offset == message.entry.offset { return }
        logger.notice(
            "a record of a message that is queued already is passed over",
            metadata: ["queue_id": "\(message.entry.queueID)", "offset": "\(message.entry.offset)"])
        partitions[message.partition]?.ledger.finished(message.entry.offset)
    }

    /// A record that cannot be read stays in the log and is passed over, loudly.
    private func setAside(_ record: StoredRecord, _ error: any Error) {
        logger.critical(
            "a mail record cannot be read and is set aside",
            metadata: [
                "partition": "\(record.position.partition)", "offset": "\(record.position.offset)",
                "error": "\(error)",
            ])
        partitions[record.position.partition]?.ledger.finished(record.position.offset)
        metrics.setAside(.mail)
    }

    /// A ledger has limited room for unfinished offsets: the oldest get a schedule record of their own.
    ///
    /// A running attempt goes on; its entry says so, and a successor would try it again.
    func storeOverflow(of touched: Set<Int>) {
        var oldest: Set<Position> = []
        for partition in touched {
            guard let ledger = partitions[partition]?.ledger, ledger.overflow > 0 else { continue }
            // Some more than must be, so that not every commit looks through all messages.
            let count = ledger.overflow + ledger.unfinishedCount / 10
            oldest.formUnion(ledger.oldest(count).map { Position(partition: partition, offset: $0) })
        }
        guard !oldest.isEmpty else { return }
        for message in messages.values where !message.isStored && oldest.contains(message.position) {
            message.entry.state = .running
            store(message)
        }
    }

    /// Writes the schedule record of a message; from its commit on, the record is the message.
    func store(_ message: QueuedMessage) {
        batch.store(message)
        batch.grow()
        finishOffset(of: message)
        message.isStored = true
    }

    func finishOffset(of message: QueuedMessage) {
        guard !message.isStored else { return }
        partitions[message.partition]?.ledger.finished(message.entry.offset)
        batch.touch(message.partition)
    }
}
