import DeliveryPolicy
package import MailModel
package import Spool

/// The queue as the spool alone tells it, for commands while no node runs.
package struct OfflineQueue: Sendable {
    private let spool: any Spool
    private let lifetime: Duration
    private static let batch = 500

    /// - Parameter lifetime: Of messages that wish for none, as `sender.lifetime`.
    package init(spool: any Spool, lifetime: Duration) {
        self.spool = spool
        self.lifetime = lifetime
    }

    /// Queued message parts that match, in order of queue ID.
    package func items(_ selector: QueueSelector) async throws(SpoolError) -> [QueueItem] {
        let committed = try await spool.committed(group: SenderService.group, topic: .mail)
        let ends = try await spool.endOffsets(of: .mail)
        var items: [QueueItem] = []
        for partition in 0..<spool.partitionCount(of: .mail) {
            for (key, entry) in try await Takeover.schedule(of: partition, spool: spool, unreadable: { _, _ in }) {
                guard case .entry = key else { continue }
                let state = entry.state == .parked || entry.state == .running ? "parked" : "scheduled"
                items.append(
                    QueueItem(entry, state: entry.state == .held ? "held" : state, lane: nil, partition: partition))
            }
            items += try await unfinished(partition, committed[partition], end: ends[partition])
        }
        return items.filter { Self.matches($0, selector) }.sorted { ($0.queueID, $0.part) < ($1.queueID, $1.part) }
    }

    /// Records that are not finished and have no schedule entry.
    private func unfinished(
        _ partition: Int, _ committed: CommittedPosition?, end: Int64
    ) async throws(SpoolError) -> [QueueItem] {
        var offsets: [Int64] = []
        var mark: Int64 = 0
        if let committed {
            let ledger = try Takeover.ledger(committed)
            offsets = ledger.unfinished
            mark = ledger.intakeMark
        }
        if mark < end { offsets += Array(mark..<end) }
        var items: [QueueItem] = []
        for start in stride(from: 0, to: offsets.count, by: Self.batch) {
            let positions = offsets[start..<min(start + Self.batch, offsets.count)].map {
                Position(partition: partition, offset: $0)
            }
            for record in try await spool.read(positions, of: .mail) {
                guard let record else { continue }
                let message = try MessageRecord(record)
                let expiry = message.arrival + (message.wishes.lifetime ?? lifetime)
                let entry = ScheduleEntry(message, at: record.position.offset, expiry: expiry)
                items.append(QueueItem(entry, state: "ready", lane: nil, partition: partition))
            }
        }
        return items
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
