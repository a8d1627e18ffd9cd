internal import GRDBSQLite
package import Logging
package import MailModel
package import Spool
internal import Synchronization

/// The embedded spool: one SQLite file in WAL mode, committed in groups with an fsync each.
///
/// One process at a time has it open. A thread writes, others read, one keeps the file in shape; callers never wait
/// for the disk, and completions run on the writing thread.
package final class LocalSpool: Spool {
    private let configuration: LocalSpoolConfiguration
    private let limits: RecordLimits
    private let lock: SpoolLock
    private let connection: Connection
    private let writer: Writer
    private let readers: ReaderPool
    private let hub: Hub
    private let groups: Groups
    private let positions: CommittedPositions
    private let upkeep: Upkeep
    private let cleaner: Cleaner
    private let isReadOnly: Bool
    private let isClosed = Atomic(false)

    /// Opens the spool of a directory, or makes one.
    ///
    /// - Parameters:
    ///   - readOnly: For commands while no node runs: nothing is made or changed, and appends fail.
    ///   - observe: Called on the writing thread after each commit; it must not block.
    /// - Throws: `.inUse`, `.foreign` or `.corrupt`, with the path and what was found. Nothing was changed then.
    package static func open(
        _ configuration: LocalSpoolConfiguration, readOnly: Bool = false, logger: Logger = Logger(label: "spool"),
        observe: @escaping @Sendable (CommitSample) -> Void = { _ in }
    ) throws(SpoolError) -> LocalSpool {
        let lock = try SpoolLock(directory: configuration.directory, shared: readOnly)
        do throws(SpoolError) {
            return try open(configuration, lock, readOnly, logger, observe)
        } catch {
            lock.release()
            throw error
        }
    }

    private static func open(
        _ configuration: LocalSpoolConfiguration, _ lock: SpoolLock, _ readOnly: Bool, _ logger: Logger,
        _ observe: @escaping @Sendable (CommitSample) -> Void
    ) throws(SpoolError) -> LocalSpool {
        let connection = try SpoolFile.prepare(configuration, readOnly: readOnly)
        let (offsets, positions) = try connection.perform { file in
            (try Offsets(configuration, from: file), try CommittedPositions(configuration, from: file))
        }
        let path = SpoolFile.path(configuration)
        var reading: [Connection] = []
        for _ in 0..<max(configuration.readers, 1) {
            reading.append(try Connection(path: path, readOnly: true, cacheKiB: 4 << 10))
        }
        let moving = try Connection(path: path, readOnly: readOnly, cacheKiB: 1 << 10)
        return LocalSpool(
            configuration, lock, connection, reading, moving, offsets, positions, readOnly, logger, observe)
    }

    private init(
        _ configuration: LocalSpoolConfiguration, _ lock: SpoolLock, _ connection: Connection, _ reading: [Connection],
        _ moving: Connection, _ offsets: Offsets, _ positions: CommittedPositions, _ readOnly: Bool, _ logger: Logger,
        _ observe: @escaping @Sendable (CommitSample) -> Void
    ) {
        self.configuration = configuration
        self.lock = lock
        self.connection = connection
        self.positions = positions
        isReadOnly = readOnly
        limits = RecordLimits(configuration)
        let (writer, hub, upkeep) = (
            Writer(configuration, observe: observe), Hub(offsets), Upkeep(configuration)
        )
        (self.writer, self.hub, self.upkeep) = (writer, hub, upkeep)
        readers = ReaderPool(reading)
        groups = Groups(writer: writer, committed: positions)
        let cleaner = Cleaner(configuration: configuration, writer: writer, readers: readers, committed: positions)
        self.cleaner = cleaner
        writer.start {
            let commit = GroupCommit(connection, configuration, offsets: offsets, committed: positions, hub: hub)
            commit.watchLog { upkeep.committed(frames: $0) }
            return commit
        }
        guard !readOnly else {
            upkeep.start({ Checkpointer(moving, writer: writer, trigger: .max, logger: logger) }, clean: {})
            return
        }
        let clean = CleaningTask(cleaner: cleaner, logger: logger)
        upkeep.start(
            { Checkpointer(moving, writer: writer, trigger: configuration.checkpointBytes, logger: logger) },
            clean: { clean.start() })
    }

    /// What was handed over and is not yet durable; cheap, from any thread. Ingress slows down by it.
    package var pending: PendingAppends { writer.pending }

    package func partitionCount(of topic: Topic) -> Int { configuration.partitionCount(topic) }

    package func append(_ records: [SpoolRecord], done: @escaping @Sendable (Result<[Position], SpoolError>) -> Void) {
        if let refusal = refusal(of: records) {
            // In its turn behind earlier appends, as any other result.
            if !writer.run({ _ in done(.failure(refusal)) }) { done(.failure(refusal)) }
            return
        }
        var bytes = 0
        for record in records { bytes += record.byteCount }
        writer.submit(WriteRequest(records: records, bytes: bytes, done: done))
    }

    private func refusal(of records: [SpoolRecord]) -> SpoolError? {
        isReadOnly ? SpoolError(.unavailable, "the spool is open for reading only") : limits.refusal(of: records)
    }

    package func join(group: String, topic: Topic) async throws(SpoolError) -> any Subscription {
        try checkOpen()
        guard !isReadOnly else { throw SpoolError(.unavailable, "the spool is open for reading only") }
        let name = CommittedPositions.Group(name: group, topic: topic)
        return LocalSubscription(
            name, partitions: partitionCount(of: topic), tail(topic), groups: groups, hub: hub, writer: writer,
            limits: limits)
    }

    package func read(_ positions: [Position], of topic: Topic) async throws(SpoolError) -> [StoredRecord?] {
        if positions.isEmpty { return [] }
        return try await readers.perform { reader throws(SpoolError) in try reader.read(positions, of: topic) }
    }

    package func replay(
        _ topic: Topic, partition: Int, batch: @escaping @Sendable ([StoredRecord]) -> Void
    ) async throws(SpoolError) {
        precondition(topic.isCompacted, "only compacted topics are replayed")
        var last: String?
        while true {
            let after = last
            let page = try await readers.perform { reader throws(SpoolError) in
                try reader.page(topic, partition: partition, after: after)
            }
            guard let end = page.last else { return }
            batch(page)
            last = end.key
        }
    }

    package func follow(_ topic: Topic, from start: FollowStart) async throws(SpoolError) -> any RecordStream {
        try checkOpen()
        let tail = tail(topic)
        hub.add(tail, to: topic)
        let stream = LocalStream(topic, tail, hub: hub)
        let ends = hub.ends[topic.index]
        switch start {
        case .beginning: tail.begin(ends.indices.map { ($0, 0) })
        case .offsets(let offsets):
            tail.begin(offsets.map { ($0.key, hub.start(topic, partition: $0.key, from: $0.value)) })
        case .end: tail.begin(ends.indices.map { ($0, ends[$0]) })
        case .time(let time):
            let next = ends.max() ?? 0
            let offset = try await readers.perform { reader throws(SpoolError) in
                try reader.offset(of: topic, at: time, next: next)
            }
            tail.begin(ends.indices.map { ($0, offset) })
        }
        return stream
    }

    package func committed(group: String, topic: Topic) async throws(SpoolError) -> [CommittedPosition?] {
        positions.of(group, topic)
    }

    package func endOffsets(of topic: Topic) async throws(SpoolError) -> [Int64] { hub.ends[topic.index] }

    package func count(of topic: Topic, from offsets: [Int: Int64]) async throws(SpoolError) -> [Int: Int] {
        try checkOpen()
        let ends = hub.ends[topic.index]
        var counts = offsets.mapValues { _ in 0 }
        let wanted = offsets.filter { $0.value < ends[$0.key] }
        var next = wanted.map { hub.start(topic, partition: $0.key, from: $0.value) }.min()
        while let start = next {
            let page = try await readers.perform { reader throws(SpoolError) in
                try reader.count(topic, from: start, wanted)
            }
            counts.merge(page.counts) { $0 + $1 }
            next = page.next
        }
        return counts
    }

    /// Removes what is past its time at `now`; what the background does at each cleaning interval.
    package func cleanOnce(now: Timestamp) async throws(SpoolError) -> CleaningReport {
        guard !isReadOnly else { throw SpoolError(.unavailable, "the spool is open for reading only") }
        return try await cleaner.clean(now: now)
    }

    /// Changes the quota while the spool is open; what is written already stays.
    package func setQuota(_ bytes: Int?) async throws(SpoolError) {
        let result: Result<Void, SpoolError> = await withCheckedContinuation { continuation in
            let isTaken = writer.run { commit in
                do throws(SpoolError) {
                    try commit.perform { try SpoolFile.setQuota(bytes, on: $0) }
                    continuation.resume(returning: .success(()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if !isTaken { continuation.resume(returning: .failure(SpoolError(.closed, "the spool is closed"))) }
        }
        try result.get()
    }

    package func close() async {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        hub.close()
        await upkeep.close()
        let isReadOnly = isReadOnly
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            writer.close { commit in
                if !isReadOnly {
                    // Without the mark the next start checks more; with the log left behind it reads it. Nothing is lost.
                    try? commit.finish()
                }
                commit.releaseStatements()
                continuation.resume()
            }
        }
        await readers.close()
        if !isReadOnly {
            // As above: what is not moved now is moved at the next start.
            _ = try? Checkpointer.checkpoint(connection, SQLITE_CHECKPOINT_TRUNCATE)
        }
        // All is durable before; a failure to close leaves only memory behind.
        try? connection.close()
        lock.release()
    }

    private func tail(_ topic: Topic) -> Tail {
        Tail(
            topic, partitions: partitionCount(of: topic), readers: readers, limit: configuration.tailBytes)
    }

    private func checkOpen() throws(SpoolError) {
        if isClosed.load(ordering: .acquiring) { throw SpoolError(.closed, "the spool is closed") }
    }
}
