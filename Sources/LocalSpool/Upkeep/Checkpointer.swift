internal import GRDBSQLite
internal import Logging
internal import Spool
internal import Synchronization

/// Moves the write-ahead log into the database, so that commits never do.
///
/// Most of it goes while commits run on (PASSIVE, on a connection and thread of its own). The rest, what was written
/// meanwhile, goes between two commits: then the log begins anew, unless a reader still looks into it.
final class Checkpointer {
    private let connection: Connection
    private let writer: Writer
    private let trigger: Int
    private let logger: Logger
    private var hasFailed = false
    /// Frames at the last look, to see whether the spool is idle.
    private var lastFrames: Int32 = 0
    private var movedFrames: Int32 = 0

    /// Fewer are moved between two commits: about 4 MB.
    private static let fewFrames: Int32 = 1_000

    init(_ connection: Connection, writer: Writer, trigger: Int, logger: Logger) {
        self.connection = connection
        self.writer = writer
        self.trigger = trigger
        self.logger = logger
    }

    func close() {
        // Only moved what is durable already; a failure here loses nothing.
        try? connection.close()
    }

    /// Called about once a second and after large commits.
    func look(frames: Int32) {
        let isLarge = Int(frames) * Schema.pageSize >= trigger
        let isIdle = frames == lastFrames && frames > movedFrames
        lastFrames = frames
        if frames < movedFrames { movedFrames = 0 }
        guard isLarge || isIdle else { return }
        do throws(SpoolError) {
            var state = try Self.checkpoint(connection, SQLITE_CHECKPOINT_PASSIVE)
            var rest = Int32.max
            while isLarge, state.log - state.moved > Self.fewFrames, state.log - state.moved < rest / 2 {
                rest = state.log - state.moved
                state = try Self.checkpoint(connection, SQLITE_CHECKPOINT_PASSIVE)
            }
            movedFrames = state.moved
            if isLarge { startOver(truncating: Int(state.log) * Schema.pageSize >= 4 * trigger) }
            hasFailed = false
        } catch {
            if !hasFailed { logger.warning("checkpoint failed", metadata: ["error": "\(error)"]) }
            hasFailed = true
        }
    }

    private func startOver(truncating: Bool) {
        let mode = truncating ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
        let isDone = Monitor(false)
        let isTaken = writer.run { commit in
            // What stays is moved at the next look, which also reports why.
            _ = try? commit.checkpoint(mode)
            isDone.signal { $0 = true }
        }
        // Two checkpoints at once would stand in each other's way.
        if isTaken { isDone.wait { $0 ? () : nil } }
    }

    struct Progress {
        var log: Int32
        var moved: Int32
    }

    /// A reader in the way of TRUNCATE is no failure.
    static func checkpoint(_ connection: Connection, _ mode: Int32) throws(SpoolError) -> Progress {
        try connection.perform { file in try checkpoint(file, mode) }
    }

    static func checkpoint(_ file: Connection.Handle, _ mode: Int32) throws -> Progress {
        var (log, moved) = (Int32(0), Int32(0))
        let result = sqlite3_wal_checkpoint_v2(file.pointer, nil, mode, &log, &moved)
        guard result == SQLITE_OK || result == SQLITE_BUSY else { throw SQLiteFailure(result, file.pointer) }
        return Progress(log: max(log, 0), moved: max(moved, 0))
    }
}

extension GroupCommit {
    /// Waits at most 100 ms for readers.
    func checkpoint(_ mode: Int32) throws(SpoolError) -> Checkpointer.Progress {
        try perform { file in
            sqlite3_busy_timeout(file.pointer, 100)
            defer { sqlite3_busy_timeout(file.pointer, 5000) }
            return try Checkpointer.checkpoint(file, mode)
        }
    }
}

/// Passes the size of the write-ahead log on, from SQLite's hook.
final class LogWatch: Sendable {
    let report: @Sendable (Int32) -> Void
    init(_ report: @escaping @Sendable (Int32) -> Void) { self.report = report }
}
