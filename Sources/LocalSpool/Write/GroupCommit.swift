internal import GRDB
internal import GRDBSQLite
internal import MailModel
internal import NIOCore
internal import Spool

/// Writes batches of requests, each batch with one transaction and one fsync. Confined to the writer's thread.
final class GroupCommit {
    private let connection: Connection
    private let configuration: LocalSpoolConfiguration
    private let committed: CommittedPositions
    private let hub: Hub
    private var offsets: Offsets
    private var statements: Statements?
    /// Records a topic got since its offsets were noted: what a start after a death has to read.
    private var unnoted: [Int]
    private var logWatch: LogWatch?
    private var lastTime = Timestamp(milliseconds: 0)

    private static let notedEvery = 20_000

    private struct Statements {
        let begin, commit, rollback, position: Statement
        let insert: [Statement]

        init(_ connection: OpaquePointer) throws {
            begin = try Statement("BEGIN IMMEDIATE", on: connection)
            commit = try Statement("COMMIT", on: connection)
            rollback = try Statement("ROLLBACK", on: connection)
            position = try Statement("INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?)", on: connection)
            insert = try Topic.allCases.map { try Statement(Schema.insert($0), on: connection) }
        }
    }

    init(
        _ connection: Connection, _ configuration: LocalSpoolConfiguration, offsets: Offsets,
        committed: CommittedPositions, hub: Hub
    ) {
        self.connection = connection
        self.configuration = configuration
        self.offsets = offsets
        self.committed = committed
        self.hub = hub
        unnoted = [Int](repeating: 0, count: Topic.allCases.count)
    }

    /// What a batch leaves behind once it is durable.
    private struct Batch {
        var positions: [[Position]] = []
        /// By topic; only where somebody reads along.
        var published: [[StoredRecord]]
        /// By topic: whether it has new records.
        var touched: [Bool]
        var committed: [CommittedPositions.Group: [Int: CommittedPosition]] = [:]
        /// Topics whose offsets were noted with it.
        var noted: [Topic] = []
    }

    /// Writes the requests and tells each its result, in order.
    ///
    /// Where SQLite refuses one of several for a reason of its own, each is tried alone, so that only that one fails.
    /// - Parameter settled: Called once for each request before its completion.
    /// - Returns: The latest failure.
    func write(
        _ requests: ArraySlice<WriteRequest>, settled: (ArraySlice<WriteRequest>) -> Void
    ) -> SpoolError? {
        do {
            let batch = try attempt(requests)
            committed.note(batch.committed)
            for topic in batch.noted { hub.noted(topic, offsets.note(topic)) }
            for topic in Topic.allCases where batch.touched[topic.index] {
                hub.publish(topic, batch.published[topic.index], ends: offsets.ends[topic.index])
            }
            settled(requests)
            for (request, positions) in zip(requests, batch.positions) { request.done(.success(positions)) }
            return nil
        } catch {
            if error.code == .recordTooLarge, requests.count > 1 {
                var last: SpoolError?
                for index in requests.indices { last = write(requests[index...index], settled: settled) ?? last }
                return last
            }
            settled(requests)
            for request in requests { request.done(.failure(error)) }
            return error
        }
    }

    private func attempt(_ requests: ArraySlice<WriteRequest>) throws(SpoolError) -> Batch {
        let time = max(lastTime, Timestamp.now())
        lastTime = time
        let isRead = Topic.allCases.map(hub.hasReaders)
        return try connection.perform { file in
            let statements = try prepared(file)
            try statements.begin.run()
            do {
                var batch = Batch(
                    published: Topic.allCases.map { _ in [] }, touched: Topic.allCases.map { _ in false })
                batch.positions.reserveCapacity(requests.count)
                for request in requests {
                    try insert(request, time, isRead, statements, &batch)
                    if let group = request.group {
                        for position in request.positions {
                            batch.committed[group, default: [:]][position.partition] = position
                        }
                    }
                }
                try write(batch.committed, statements)
                for topic in Topic.allCases where unnoted[topic.index] >= Self.notedEvery {
                    try offsets.save(topic, to: file)
                    batch.noted.append(topic)
                }
                try statements.commit.run()
                for topic in batch.noted { unnoted[topic.index] = 0 }
                return batch
            } catch {
                offsets.ends = hub.ends
                // A full disk may have rolled back already; then this fails, and all is as it should be.
                try? statements.rollback.run()
                throw error
            }
        }
    }

    private func insert(
        _ request: WriteRequest, _ time: Timestamp, _ isRead: [Bool], _ statements: Statements, _ batch: inout Batch
    ) throws {
        var positions: [Position] = []
        positions.reserveCapacity(request.records.count)
        for record in request.records {
            let topic = record.topic.index
            let partition =
                record.partition
                ?? Partitioner.partition(of: record.key, count: offsets.ends[topic].count)
            let offset = offsets.next[topic]
            offsets.next[topic] = offset + 1
            try statements.insert[topic].insert(record, id: offset, partition: partition, time: time)
            offsets.ends[topic][partition] = offset + 1
            unnoted[topic] += 1
            batch.touched[topic] = true
            let position = Position(partition: partition, offset: offset)
            positions.append(position)
            if isRead[topic] {
                batch.published[topic].append(
                    StoredRecord(
                        position: position, key: record.key, time: time, envelope: record.envelope,
                        value: record.value))
            }
        }
        batch.positions.append(positions)
    }

    /// Of several commits of one partition in a batch, only the last is written.
    private func write(
        _ committed: [CommittedPositions.Group: [Int: CommittedPosition]], _ statements: Statements
    ) throws {
        for (group, positions) in committed {
            for position in positions.values {
                statements.position.bind(1, copying: group.name)
                statements.position.bind(2, copying: group.topic.rawValue)
                statements.position.bind(3, Int64(position.partition))
                statements.position.bind(4, position.offset)
                statements.position.bind(5, copying: position.metadata)
                try statements.position.run()
            }
        }
    }

    private func prepared(_ file: Connection.Handle) throws -> Statements {
        if let statements { return statements }
        let new = try Statements(file.pointer)
        statements = new
        return new
    }

    /// Removes rows, and notes the offsets with them, so that those of removed rows are not given again.
    ///
    /// - Returns: Rows removed.
    func remove(_ ids: [Int64], of topic: Topic, sql: String) throws(SpoolError) -> Int {
        try connection.perform { file in
            let statements = try prepared(file)
            let delete = try Statement(sql, on: file.pointer)
            let before = file.database.totalChangesCount
            try statements.begin.run()
            do {
                for id in ids {
                    delete.bind(1, id)
                    try delete.run()
                }
                let removed = file.database.totalChangesCount - before
                try offsets.save(topic, to: file)
                try statements.commit.run()
                unnoted[topic.index] = 0
                hub.noted(topic, offsets.note(topic))
                return removed
            } catch {
                try? statements.rollback.run()  // may be done already, as above
                throw error
            }
        }
    }

    /// Notes everything and leaves the mark of a clean end.
    func finish() throws(SpoolError) {
        try connection.perform { file in
            try file.execute("BEGIN IMMEDIATE")
            do {
                for topic in Topic.allCases { try offsets.save(topic, to: file) }
                try file.execute("UPDATE shutdown SET clean = 1")
                try file.execute("COMMIT")
            } catch {
                try? file.execute("ROLLBACK")  // may be done already, as above
                throw error
            }
        }
    }

    /// Before the connection closes.
    func releaseStatements() {
        statements = nil
        do throws(SpoolError) {
            try connection.perform { file in _ = sqlite3_wal_hook(file.pointer, nil, nil) }
        } catch {
            // Closed already: no hook is called any more.
        }
    }

    /// Tells of the frames in the write-ahead log after each commit.
    func watchLog(_ report: @escaping @Sendable (Int32) -> Void) {
        let watch = LogWatch(report)
        logWatch = watch
        do throws(SpoolError) {
            try connection.perform { file in
                _ = sqlite3_wal_hook(
                    file.pointer,
                    { context, _, _, frames in
                        if let context {
                            Unmanaged<LogWatch>.fromOpaque(context).takeUnretainedValue().report(frames)
                        }
                        return SQLITE_OK
                    }, Unmanaged.passUnretained(watch).toOpaque())
            }
        } catch {
            // Only a closed connection gets here, and that one commits nothing.
        }
    }

    /// Runs something rare between commits.
    func perform<R>(_ body: (Connection.Handle) throws -> R) throws(SpoolError) -> R {
        try connection.perform(body)
    }
}
