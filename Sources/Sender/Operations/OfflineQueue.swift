import DeliveryPolicy
package import MailModel
package import Spool

/// The queue as the spool alone tells it, for commands while no node runs.
package struct OfflineQueue: Sendable {
    private let spool: any Spool
    private let lifetime: Duration

    /// - Parameter lifetime: Of messages that wish for none, as `sender.lifetime`.
    package init(spool: any Spool, lifetime: Duration) {
        self.spool = spool
        self.lifetime = lifetime
    }

    /// Queued message parts that match, in order of queue ID.
    package func items(_ selector: QueueSelector) async throws(SpoolError) -> [QueueItem] {
        var items: [QueueItem] = []
        for partition in 0..<spool.partitionCount(of: .mail) {
            for (key, entry) in try await Takeover.schedule(of: partition, spool: spool, unreadable: { _, _ in }) {
                guard case .entry = key else { continue }
                let state = entry.state == .parked || entry.state == .running ? "parked" : "scheduled"
                items.append(
                    QueueItem(entry, state: entry.state == .held ? "held" : state, lane: nil, partition: partition))
            }
        }
        items += try await unfinished()
        return items.filter { Self.matches($0, selector) }.sorted { ($0.queueID, $0.part) < ($1.queueID, $1.part) }
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

    private static func matches(_ item: QueueItem, _ selector: QueueSelector) -> Bool {
        (selector.queueID.map { $0.description == item.queueID } ?? true)
            && (selector.domain.map { $0 == item.domain } ?? true)
            && (selector.tenant.map { $0 == item.tenant } ?? true)
            && (selector.campaign.map { $0 == item.campaign } ?? true)
            && (selector.pool.map { $0 == item.pool } ?? true)
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
