internal import FileStatus
internal import GRDB
internal import Glibc
internal import Spool

/// Opens `spool.sqlite`, or makes it, and refuses what is not a sound spool.
///
/// Nothing is written to a file before its first page says that it is a spool. A spool is checked in full
/// (`quick_check`, which reads all of it) where that takes seconds: up to 256 MB, and up to 2 GB after a death. Above
/// that, only what the start itself reads is: the schema, the positions and the ends of all topics.
enum SpoolFile {
    static let checkedInFull = 256 << 20
    static let checkedInFullAfterDeath = 2 << 30

    static func prepare(
        _ configuration: LocalSpoolConfiguration, readOnly: Bool
    ) throws(SpoolError) -> Connection {
        let path = path(configuration)
        let size = try inspectFirstPage(path)
        if size == 0 && readOnly { throw SpoolError(.unavailable, "there is no spool in \(configuration.directory)") }
        if size == 0 { try makeFile(path) }
        let connection = try Connection(path: path, readOnly: readOnly, cacheKiB: 32 << 10)
        do {
            try connection.perform { file in
                if size == 0 { try create(configuration, on: file) }
                try check(configuration, size: size, on: file)
                if !readOnly {
                    try markInUse(file)
                    try setQuota(configuration.quota, on: file)
                }
            }
        } catch {
            // The first failure is the one to tell.
            try? connection.close()
            throw error
        }
        return connection
    }

    /// It holds mail: for its owner alone, whatever the mode of the directory. SQLite's other files take after it.
    private static func makeFile(_ path: String) throws(SpoolError) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw SpoolError(systemCall: "cannot make \(path)") }
        close(file)
    }

    /// On a full disk the spool opens all the same, so that what is in it can be read: the mark only steers checks.
    private static func markInUse(_ file: Connection.Handle) throws {
        do {
            try file.execute("UPDATE shutdown SET clean = 0")
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            return
        }
    }

    static func path(_ configuration: LocalSpoolConfiguration) -> String {
        configuration.directory + "/spool.sqlite"
    }

    static func setQuota(_ bytes: Int?, on file: Connection.Handle) throws {
        let pages = bytes.map { max($0 / Schema.pageSize, 1) } ?? Int(UInt32.max - 1)
        _ = try file.integer("PRAGMA max_page_count = \(pages)")
    }

    /// Reads the first page without SQLite, which would already recover, and so change, a file that is not ours.
    ///
    /// - Returns: Size of the file; 0 where there is none. SQLite itself leaves an empty file when it dies early.
    private static func inspectFirstPage(_ path: String) throws(SpoolError) -> Int {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return 0 }
            throw SpoolError(systemCall: "cannot open \(path)")
        }
        defer { close(file) }
        guard let status = FileStatus(descriptor: file), status.isRegular else {
            throw SpoolError(.foreign, "\(path) is no regular file")
        }
        if status.size == 0 { return 0 }
        var head = [UInt8](repeating: 0, count: 100)
        guard pread(file, &head, head.count, 0) == head.count, head.starts(with: "SQLite format 3\0".utf8) else {
            throw SpoolError(.foreign, "\(path) is no SQLite file, or its first page is damaged: not touched")
        }
        func number(at index: Int) -> Int32 {
            head[index..<index + 4].reduce(0) { $0 << 8 | Int32($1) }
        }
        guard number(at: 68) == Schema.applicationID else {
            throw SpoolError(
                .foreign, "\(path) belongs to another program (application_id \(number(at: 68))): not touched")
        }
        guard number(at: 60) == Schema.version else {
            throw SpoolError(
                .foreign, "\(path) has schema version \(number(at: 60)), this program knows \(Schema.version)")
        }
        return status.size
    }

    private static func create(_ configuration: LocalSpoolConfiguration, on file: Connection.Handle) throws {
        // All in one transaction of the rollback journal: the main file is empty or a whole spool.
        try file.execute("PRAGMA page_size = \(Schema.pageSize)")
        try file.execute("BEGIN EXCLUSIVE")
        try Schema.create(configuration, on: file)
        try file.execute("COMMIT")
        guard try file.text("PRAGMA journal_mode = WAL") == "wal" else {
            throw SpoolError(.unavailable, "no write-ahead log is possible in \(configuration.directory)")
        }
        // SQLite syncs the file; its name is only safe with its directory.
        let directory = open(configuration.directory, O_RDONLY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            close(directory)
        }
    }

    private static func check(
        _ configuration: LocalSpoolConfiguration, size: Int, on file: Connection.Handle
    ) throws {
        guard try file.text("PRAGMA journal_mode") == "wal" else {
            throw SpoolError(.foreign, "\(path(configuration)) is not in WAL mode: another program changed it")
        }
        let wasClean = try file.integer("SELECT clean FROM shutdown") == 1
        if size < (wasClean ? checkedInFull : checkedInFullAfterDeath) {
            let finding = try file.text("PRAGMA quick_check(1)") ?? "no answer"
            guard finding == "ok" else {
                throw SpoolError(.corrupt, "\(path(configuration)) is damaged: \(finding)")
            }
        }
        for topic in Topic.allCases {
            let found = try file.integer("SELECT partitions FROM topics WHERE name = '\(topic.rawValue)'")
            let wanted = configuration.partitionCount(topic)
            guard let found, found == Int64(wanted) else {
                throw SpoolError(
                    .foreign,
                    """
                    \(path(configuration)) has \(found ?? 0) partitions of \(topic.rawValue), the configuration \
                    \(wanted): the number is fixed when the spool is made
                    """)
            }
        }
    }
}
