import DeliveryPolicy
package import MailModel
package import NodeRuntime
package import Spool

/// The queue as the spool alone tells it, for commands while no node runs.
package struct OfflineQueue: Sendable {
    private let spool: any Spool
    /// Of messages that wish for none.
    private let lifetime: Duration
    private let defaultPool: String

    package init(spool: any Spool, _ configuration: NodeConfiguration) {
        self.spool = spool
        (lifetime, defaultPool) = (configuration.sender.lifetime, configuration.sender.defaultPool)
    }

    /// Queued message parts that match, in order of queue ID and part, the first of them.
    ///
    /// - Parameters:
    ///   - bounceClass: Only those of which a recipient's latest failure has this class.
    ///   - after: `QUEUEID/part` of the last item of the page before.
    package func items(
        _ selector: QueueSelector, bounceClass: String? = nil, after: ScheduleKey? = nil, limit: Int = .max
    ) async throws(SpoolError) -> [QueueItem] {
        var last: QueuedMessage.Key?
        if case .entry(let id, let part) = after { last = QueuedMessage.Key(queueID: id, part: part) }
        var positions: [QueuedMessage.Key: Position] = [:]
        var first = FirstKeys(limit: limit)
        for partition in 0..<spool.partitionCount(of: .mail) {
            let store = try await Takeover.schedule(of: partition, spool: spool, unreadable: { _, _ in }).resting
            let filter = RestingFilter(selector, bounceClass: bounceClass, defaultPool: defaultPool, in: store)
            var page = FirstKeys(limit: limit)
            filter?.forEach { message in
                if last.map({ $0 < message.key }) ?? true { page.offer(message.key) }
            }
            for key in page.sorted {
                guard let slot = store.slot(of: key) else { continue }
                positions[key] = Position(partition: partition, offset: store[slot].record)
                first.offer(key)
            }
        }
        var items: [QueueItem] = []
        for record in try await spool.read(first.sorted.compactMap { positions[$0] }, of: .schedule) {
            guard let record, let value = record.value else { continue }
            let entry = try ScheduleEntry(decoding: value)
            let state =
                switch entry.state {
                case .parked, .running: "parked"
                case .held: "held"
                case .scheduled: "scheduled"
                }
            items.append(QueueItem(entry, state: state, lane: nil, partition: record.position.partition))
        }
        if bounceClass == nil {
            items += try await unfinished().filter { item in
                guard let id = QueueID(item.queueID), matches(item, selector) else { return false }
                return last.map { $0 < QueuedMessage.Key(queueID: id, part: item.part) } ?? true
            }
        }
        return Array(items.sorted { ($0.queueID, $0.part) < ($1.queueID, $1.part) }.prefix(limit))
    }

    /// Records that are not finished and have no schedule entry.
    private func unfinished() async throws(SpoolError) -> [QueueItem] {
        var ledgers = [Ledger](repeating: Ledger(), count: spool.partitionCount(of: .mail))
        for case let position? in try await spool.committed(group: SenderService.group, topic: .mail) {
            ledgers[position.partition] = try Takeover.ledger(position)
        }
        let starts = Dictionary(uniqueKeysWithValues: ledgers.enumerated().map { ($0, $1.committedOffset) })
        let stream = try await spool.follow(.mail, from: .offsets(starts))
        defer { stream.close() }
        var items: [QueueItem] = []
        while true {
            let records = try await stream.next(wait: false)
            if records.isEmpty { return items }
            for record in records {
                let (partition, offset) = (record.position.partition, record.position.offset)
                let ledger = ledgers[partition]
                guard offset >= ledger.intakeMark || ledger.isUnfinished(offset) else { continue }
                // What cannot be read is no mail; the sender that meets it says so.
                guard let message = try? MessageRecord(record) else { continue }
                let expiry = message.arrival + (message.wishes.lifetime ?? lifetime)
                items.append(
                    QueueItem(
                        ScheduleEntry(message, at: offset, expiry: expiry), state: "ready", lane: nil,
                        partition: partition))
            }
        }
    }

    private func matches(_ item: QueueItem, _ selector: QueueSelector) -> Bool {
        (selector.queueID.map { $0.description == item.queueID } ?? true)
            && (selector.domain.map { $0 == item.domain } ?? true)
            && (selector.tenant.map { $0 == item.tenant } ?? true)
            && (selector.campaign.map { $0 == item.campaign } ?? true)
            && (selector.pool.map { $0 == item.pool ?? defaultPool } ?? true)
            && (selector.state.map { $0 == item.state } ?? true) && selector.site == nil
    }
}

extension OfflineQueue {
    /// What the parts of a message wait for, as far as the spool tells.
    package func why(_ id: QueueID) async throws(SpoolError) -> [WhyAnswer] {
        var selector = QueueSelector()
        selector.queueID = id
        return try await items(selector).map { item in
            let last = item.recipients.first?.reply
            return WhyAnswer(
                queueID: item.queueID, part: item.part, recipients: item.recipients.map(\.recipient),
                state: item.state, gate: "no node runs",
                value: item.reason ?? last ?? "it is tried when a sender starts", until: item.nextAttempt)
        }
    }
}
