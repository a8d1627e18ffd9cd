internal import GRDBSQLite
internal import MailModel
internal import NIOCore
internal import Spool

/// A prepared statement, owned by the thread of its connection and finalised before that closes.
final class Statement {
    private let pointer: OpaquePointer
    private let connection: OpaquePointer

    init(_ sql: String, on connection: OpaquePointer) throws {
        var statement: OpaquePointer?
        let result = sqlite3_prepare_v3(connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard result == SQLITE_OK, let statement else { throw SQLiteFailure(result, connection) }
        pointer = statement
        self.connection = connection
    }

    deinit { sqlite3_finalize(pointer) }

    func bind(_ index: Int32, _ value: Int64) { sqlite3_bind_int64(pointer, index, value) }

    func bind(_ index: Int32, _ value: Int64?) {
        if let value { sqlite3_bind_int64(pointer, index, value) } else { sqlite3_bind_null(pointer, index) }
    }

    /// For short texts: SQLite takes a copy.
    func bind(_ index: Int32, copying text: String) {
        var text = text
        text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
                sqlite3_bind_text(pointer, index, $0.baseAddress, Int32($0.count), transient)
            }
        }
    }

    /// - Returns: Whether there is a row.
    func step() throws -> Bool {
        switch sqlite3_step(pointer) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            let failure = SQLiteFailure(code, connection)
            sqlite3_reset(pointer)
            throw failure
        }
    }

    /// Runs a statement without rows.
    func run() throws {
        _ = try step()
        sqlite3_reset(pointer)
    }

    /// Ends the reading, which also lets go of the snapshot.
    func reset() { sqlite3_reset(pointer) }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(pointer, column) }

    func text(_ column: Int32) -> String {
        guard let bytes = sqlite3_column_text(pointer, column) else { return "" }
        let count = Int(sqlite3_column_bytes(pointer, column))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    /// - Returns: `nil` for NULL, which is a tombstone; an empty buffer for an empty blob.
    func bytes(_ column: Int32) -> ByteBuffer? {
        if sqlite3_column_type(pointer, column) == SQLITE_NULL { return nil }
        let count = Int(sqlite3_column_bytes(pointer, column))
        guard count > 0, let bytes = sqlite3_column_blob(pointer, column) else { return ByteBuffer() }
        return ByteBuffer(bytes: UnsafeRawBufferPointer(start: bytes, count: count))
    }

    /// Columns `id, partition, time, key, envelope, value` of the present row.
    func record() -> StoredRecord {
        StoredRecord(
            position: Position(partition: Int(integer(1)), offset: integer(0)), key: text(3),
            time: Timestamp(milliseconds: integer(2)), envelope: bytes(4), value: bytes(5))
    }

    /// Inserts a record without copying its bytes: they stay bound only for the step.
    func insert(_ record: SpoolRecord, id: Int64, partition: Int, time: Timestamp) throws {
        bind(1, id)
        bind(2, Int64(partition))
        bind(3, time.milliseconds)
        bind(4, record.reference)
        var key = record.key
        try key.withUTF8 { key in
            try key.withMemoryRebound(to: CChar.self) { key in
                if key.isEmpty {
                    sqlite3_bind_text(pointer, 5, "", 0, nil)
                } else {
                    sqlite3_bind_text(pointer, 5, key.baseAddress, Int32(key.count), nil)
                }
                try Self.withBytes(of: record.envelope) { envelope in
                    bindBlob(6, envelope)
                    try Self.withBytes(of: record.value) { value in
                        bindBlob(7, value)
                        try run()
                    }
                }
            }
        }
    }

    private func bindBlob(_ index: Int32, _ bytes: UnsafeRawBufferPointer?) {
        guard let bytes else {
            sqlite3_bind_null(pointer, index)
            return
        }
        if bytes.isEmpty {
            sqlite3_bind_zeroblob(pointer, index, 0)
        } else {
            sqlite3_bind_blob64(pointer, index, bytes.baseAddress, UInt64(bytes.count), nil)
        }
    }

    private static func withBytes(
        of buffer: ByteBuffer?, _ body: (UnsafeRawBufferPointer?) throws -> Void
    ) throws {
        if let buffer { try buffer.withUnsafeReadableBytes(body) } else { try body(nil) }
    }
}
