package import Spool

/// Settings of the embedded spool. Defaults suit one node on one disk.
package struct LocalSpoolConfiguration: Sendable {
    /// Holds `spool.sqlite` and its lock; created with mode 0700.
    package var directory: String
    /// Fixed when the file is made: opening it with other numbers is refused.
    package var partitions: [Topic: Int]
    /// How long a finished `mail` record stays, for replays; counted from its append.
    package var keepDelivered: Duration = .seconds(24 * 3600)
    package var keepEvents: Duration = .seconds(7 * 24 * 3600)
    /// How long followers of a compacted topic can see that a key ended.
    package var keepTombstones: Duration = .seconds(3600)
    package var keepLimits: Duration = .seconds(600)
    /// Time between cleanings; `nil` leaves them to `cleanOnce`.
    package var cleaningInterval: Duration? = .seconds(60)

    /// Largest sum of key, envelope and value of one record, in bytes. SQLite itself ends at 1,000,000,000.
    package var recordLimit = 256 << 20
    /// Largest size of the database file in bytes; above it appends fail with `.full`. `nil` leaves it to the disk.
    package var quota: Int?
    /// One commit takes what waits, up to this many records and bytes (one operation may exceed them).
    package var commitRecords = 2_000
    package var commitBytes = 16 << 20
    /// From the start of a commit of several requests to that of the next; see `CommitPace`. At most 100 ms.
    package var commitGap: Duration = .microseconds(1500)
    /// Bytes of records that one reader may leave unread in memory; beyond, it reads them from the file later.
    package var tailBytes = 64 << 20
    /// The write-ahead log is moved into the database from this size on.
    package var checkpointBytes = 64 << 20
    /// Connections that read, each with a thread of its own.
    package var readers = 2

    package init(directory: String) {
        self.directory = directory
        partitions = [.mail: 64, .schedule: 64, .events: 16, .control: 1, .limitRequests: 64, .limitGrants: 64]
    }

    func partitionCount(_ topic: Topic) -> Int { max(partitions[topic] ?? 1, 1) }
}

/// What one group commit did, for metrics.
package struct CommitSample: Sendable {
    package var records: Int
    /// Of keys, envelopes and values.
    package var bytes: Int
    /// From the first statement to the end of the fsync.
    package var duration: Duration
    /// `nil` when it was committed.
    package var failure: SpoolError?
    /// What came meanwhile and waits for the next commit.
    package var waiting: PendingAppends
}

/// What was handed to the spool and is not yet durable.
package struct PendingAppends: Equatable, Sendable {
    package var records: Int
    package var bytes: Int

    package init(records: Int, bytes: Int) { (self.records, self.bytes) = (records, bytes) }
}
