internal import MailModel
internal import NIOCore
internal import Spool

/// The queries of one reading connection. Confined to its thread.
final class RecordReader {
    /// One batch ends at the first of these.
    static let batchRecords = 500
    static let batchBytes = 4 << 20
    /// Rows of other partitions that one batch passes by, so that no snapshot stays long.
    static let batchSkips = 50_000

    private let connection: Connection
    private var statements: [String: Statement] = [:]

    init(_ connection: Connection) { self.connection = connection }

    func close() {
        statements = [:]
        // Nothing was written through it, so nothing is lost when it does not close.
        try? connection.close()
    }

    private func perform<R>(
        _ sql: String, _ body: (Statement) throws -> R
    ) throws(SpoolError) -> R {
        try connection.perform { file in
            let statement: Statement
            if let known = statements[sql] {
                statement = known
            } else {
                statement = try Statement(sql, on: file.pointer)
                statements[sql] = statement
            }
            defer { statement.reset() }
            return try body(statement)
        }
    }

    /// Records by position, read in the order of the file.
    func read(_ positions: [Position], of topic: Topic) throws(SpoolError) -> [StoredRecord?] {
        let sorted = positions.indices.sorted { positions[$0].offset < positions[$1].offset }
        let sql = "SELECT id, partition, time, key, envelope, value FROM \(Schema.table(topic)) WHERE id = ?"
        return try perform(sql) { statement in
            var found = [StoredRecord?](repeating: nil, count: positions.count)
            for index in sorted {
                statement.bind(1, positions[index].offset)
                if try statement.step(), statement.integer(1) == Int64(positions[index].partition) {
                    found[index] = statement.record()
                }
                statement.reset()
            }
            return found
        }
    }

    /// Records of one partition of a compacted topic in the order of keys, without tombstones.
    func page(_ topic: Topic, partition: Int, after key: String?) throws(SpoolError) -> [StoredRecord] {
        let table = Schema.table(topic)
        let sql = """
            SELECT id, partition, time, key, envelope, value FROM \(table)
            WHERE partition = ? AND key > ? AND value IS NOT NULL ORDER BY key LIMIT \(Self.batchRecords)
            """
        let first = sql.replacing("key > ?", with: "key >= ?")
        return try perform(key == nil ? first : sql) { statement in
            statement.bind(1, Int64(partition))
            statement.bind(2, copying: key ?? "")
            var page: [StoredRecord] = []
            var bytes = 0
            while bytes < Self.batchBytes, try statement.step() {
                let record = statement.record()
                bytes += record.byteCount
                page.append(record)
            }
            return page
        }
    }

    /// What one scan over the partitions of a topic found.
    struct Scan {
        var records: [StoredRecord] = []
        var bytes = 0
        /// Every wanted record below this offset is among `records`; `nil` at the end of the topic.
        var reached: Int64?
    }

    /// - Parameter cursors: Of each partition the first offset wanted; below 0 where none is.
    func scan(_ topic: Topic, from cursors: [Int64]) throws(SpoolError) -> Scan {
        let start = cursors.reduce(Int64.max) { $1 < 0 ? $0 : min($0, $1) }
        let sql = """
            SELECT id, partition, time, key, envelope, value FROM \(Schema.table(topic)) WHERE id >= ? ORDER BY id
            """
        return try perform(sql) { statement in
            var scan = Scan()
            var skipped = 0
            statement.bind(1, start)
            while try statement.step() {
                let (offset, partition) = (statement.integer(0), Int(statement.integer(1)))
                if cursors.indices.contains(partition), cursors[partition] >= 0, offset >= cursors[partition] {
                    let record = statement.record()
                    scan.bytes += record.byteCount
                    scan.records.append(record)
                } else {
                    skipped += 1
                }
                if scan.records.count >= Self.batchRecords || scan.bytes >= Self.batchBytes
                    || skipped >= Self.batchSkips
                {
                    scan.reached = offset + 1
                    break
                }
            }
            return scan
        }
    }

    /// Counts records by partition, a page of rows at a time, so that no snapshot stays long.
    ///
    /// - Parameter wanted: Of each partition that is counted, its first offset.
    /// - Returns: `next` is where the next page begins; `nil` at the end of the topic.
    func count(
        _ topic: Topic, from start: Int64, _ wanted: [Int: Int64]
    ) throws(SpoolError) -> (counts: [Int: Int], next: Int64?) {
        let sql = """
            SELECT id, partition FROM \(Schema.table(topic)) WHERE id >= ? ORDER BY id LIMIT \(Self.batchSkips)
            """
        return try perform(sql) { statement in
            statement.bind(1, start)
            var counts: [Int: Int] = [:]
            var (rows, last) = (0, start)
            while try statement.step() {
                rows += 1
                last = statement.integer(0)
                let partition = Int(statement.integer(1))
                if let first = wanted[partition], last >= first { counts[partition, default: 0] += 1 }
            }
            return (counts, rows == Self.batchSkips ? last + 1 : nil)
        }
    }

    /// First offset of a record of that moment or later, over all partitions; `next` where there is none.
    ///
    /// Times grow with offsets, as the writer sees to while it runs; a clock set back between two runs makes the
    /// answer as rough as the step.
    func offset(of topic: Topic, at time: Timestamp, next: Int64) throws(SpoolError) -> Int64 {
        let sql = "SELECT id, time FROM \(Schema.table(topic)) WHERE id >= ? ORDER BY id LIMIT 1"
        return try perform(sql) { statement in
            var (low, high) = (Int64(0), next)
            while low < high {
                let middle = low + (high - low) / 2
                statement.bind(1, middle)
                let isBefore = try statement.step() && statement.integer(1) < time.milliseconds
                let found = isBefore ? statement.integer(0) : 0
                statement.reset()
                if isBefore { low = found + 1 } else { high = middle }
            }
            return low
        }
    }

    /// What a cleaning may remove.
    struct Candidates {
        var ids: [Int64] = []
        /// Where the next search goes on; `nil` when nothing older is left.
        var resume: Int64?
    }

    /// Records older than a moment, and below `finished` of their partition where that is given.
    func candidates(
        _ topic: Topic, before time: Timestamp, finished: [Int64]?, from start: Int64, limit: Int
    ) throws(SpoolError) -> Candidates {
        let sql = "SELECT id, partition, time FROM \(Schema.table(topic)) WHERE id >= ? ORDER BY id LIMIT \(limit)"
        return try perform(sql) { statement in
            var candidates = Candidates()
            statement.bind(1, start)
            while try statement.step() {
                guard statement.integer(2) < time.milliseconds else {
                    candidates.resume = nil
                    return candidates
                }
                let (id, partition) = (statement.integer(0), Int(statement.integer(1)))
                candidates.resume = id + 1
                if finished.map({ id < $0[partition] }) ?? true { candidates.ids.append(id) }
            }
            return candidates
        }
    }

    /// Tombstones older than a moment.
    func endedKeys(_ topic: Topic, before time: Timestamp, limit: Int) throws(SpoolError) -> [Int64] {
        let sql = "SELECT id FROM \(Schema.table(topic)) WHERE value IS NULL AND time < ? LIMIT \(limit)"
        return try perform(sql) { statement in
            statement.bind(1, time.milliseconds)
            var ids: [Int64] = []
            while try statement.step() { ids.append(statement.integer(0)) }
            return ids
        }
    }
}

extension StoredRecord {
    var byteCount: Int { key.utf8.count + (envelope?.readableBytes ?? 0) + (value?.readableBytes ?? 0) }
}
