internal import GRDB
internal import GRDBSQLite
internal import Spool

/// One connection to the spool's file, used by one thread at a time.
///
/// GRDB opens it and runs what is rare; the statements of every record go straight to SQLite, so that bytes of a
/// `ByteBuffer` are bound without a copy.
final class Connection: Sendable {
    let queue: DatabaseQueue

    /// - Parameter cacheKiB: Page cache. The writer's holds a whole commit, so that it is written once.
    init(path: String, readOnly: Bool, cacheKiB: Int) throws(SpoolError) {
        var configuration = Configuration()
        configuration.readonly = readOnly
        configuration.busyMode = .timeout(5)
        configuration.foreignKeysEnabled = false
        configuration.allowsUnsafeTransactions = true
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA cache_size = \(-cacheKiB)")
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.execute(sql: "PRAGMA wal_autocheckpoint = 0")
        }
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
        } catch {
            throw SQLiteFailure.spoolError(error, file: path)
        }
    }

    /// Runs statements; failures come out as what they mean for the spool.
    func perform<R>(_ body: (Handle) throws -> R) throws(SpoolError) -> R {
        do {
            return try queue.inDatabase { database in
                guard let pointer = database.sqliteConnection else {
                    throw SpoolError(.closed, "the spool's file is closed")
                }
                return try body(Handle(database: database, pointer: pointer))
            }
        } catch {
            throw SQLiteFailure.spoolError(error, file: queue.path)
        }
    }

    func close() throws(SpoolError) {
        do { try queue.close() } catch { throw SQLiteFailure.spoolError(error, file: queue.path) }
    }

    /// A connection inside `perform`.
    struct Handle {
        let database: Database
        let pointer: OpaquePointer

        func execute(_ sql: String) throws { try database.execute(sql: sql) }
        func integer(_ sql: String) throws -> Int64? { try Int64.fetchOne(database, sql: sql) }
        func text(_ sql: String) throws -> String? { try String.fetchOne(database, sql: sql) }
    }
}

/// An error of SQLite's C interface.
struct SQLiteFailure: Error, CustomStringConvertible {
    let code: Int32
    let message: String

    init(_ code: Int32, _ connection: OpaquePointer?) {
        self.code = code
        message = connection.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) } ?? "error \(code)"
    }

    var description: String { "SQLite \(code): \(message)" }

    static func spoolError(_ error: any Error, file: String) -> SpoolError {
        switch error {
        case let error as SpoolError: error
        case let error as SQLiteFailure: spoolError(error.code, "\(error.message): \(file)", error)
        case let error as DatabaseError:
            spoolError(error.resultCode.rawValue, "\(error.message ?? "SQLite error"): \(file)", error)
        default: SpoolError(.unavailable, "the spool's file failed: \(file)", cause: error)
        }
    }

    private static func spoolError(_ code: Int32, _ message: String, _ cause: any Error) -> SpoolError {
        let known: SpoolError.Code =
            switch code & 0xFF {
            case SQLITE_FULL: .full
            case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
            case SQLITE_TOOBIG: .recordTooLarge
            default: .unavailable
            }
        return SpoolError(known, message, cause: cause)
    }
}
