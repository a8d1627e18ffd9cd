import MailModel
import Spool

/// Outcomes that will be committed as one transaction: nothing is counted, shown or forgotten before.
struct OutcomeBatch {
    struct Kind: Hashable {
        let kind: DeliveryEvent.Kind
        let `class`: String?
    }

    /// By partition of `mail`, so that those of a lost partition can be dropped.
    private(set) var records: [Int: [SpoolRecord]] = [:]
    /// Messages with a schedule record among `records`, by its index there.
    private(set) var stored: [Int: [(index: Int, message: QueuedMessage)]] = [:]
    /// Partitions whose ledger changed.
    private(set) var partitions: Set<Int> = []
    /// Recipients, by number of their lane, to take off the gauge when this is committed.
    var counted: [Int: Int] = [:]
    /// Messages of which nothing remains.
    var ended: [QueuedMessage] = []
    /// DSNs that may be written once their entries are committed.
    var notices: [PendingNotice] = []
    /// Recipients taken in, by listener.
    var accepted: [String: Int] = [:]
    var outcomes: [Kind: Int] = [:]
    /// Takes-in, outcomes and parkings: what `commit_size` counts.
    private(set) var size = 0

    var isEmpty: Bool { records.isEmpty && partitions.isEmpty && counted.isEmpty }

    /// With the position of the partition, which its owner alone can commit.
    mutating func add(_ record: SpoolRecord, partition: Int) {
        records[partition, default: []].append(record)
        partitions.insert(partition)
    }

    /// The schedule record of a message.
    mutating func store(_ message: QueuedMessage) {
        let partition = message.partition
        stored[partition, default: []].append((records[partition]?.count ?? 0, message))
        add(SpoolRecord(message.entry, partition: partition), partition: partition)
        message.uncommittedRecords += 1
    }

    mutating func touch(_ partition: Int) { partitions.insert(partition) }
    mutating func grow() { size += 1 }

    mutating func drop(_ lost: Set<Int>) {
        for partition in lost { (records[partition], stored[partition]) = (nil, nil) }
        partitions.subtract(lost)
        ended.removeAll { lost.contains($0.partition) }
        notices.removeAll { lost.contains($0.partition) }
        // Nothing is left to commit, and so nothing to wait for.
        if records.isEmpty { size = 0 }
    }
}

/// A DSN whose schedule entry stands for it until it lies in `mail`.
struct PendingNotice: Sendable {
    let key: ScheduleKey
    let partition: Int
    let epoch: UInt64
    let entry: ScheduleEntry
}
