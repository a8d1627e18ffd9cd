package import MailModel

/// The partitioned, durable log through which roles meet (DESIGN §4). `SpoolContractTests` is its definition in tests.
///
/// Completions run on a thread of the spool, in the order of the calls for one partition; they must not block.
package protocol Spool: Sendable {
    /// Number of partitions of a topic, fixed while the spool is open.
    func partitionCount(of topic: Topic) -> Int

    /// Writes records durably, in order within each partition.
    ///
    /// Success means that every record survives what the spool promises to survive. After a failure some may have been
    /// written all the same.
    func append(_ records: [SpoolRecord], done: @escaping @Sendable (Result<[Position], SpoolError>) -> Void)

    /// Joins a consumer group over the partitions of a topic.
    func join(group: String, topic: Topic) async throws(SpoolError) -> any Subscription

    /// Reads records by position. A missing record is `nil`; the result has the order of `positions`.
    func read(_ positions: [Position], of topic: Topic) async throws(SpoolError) -> [StoredRecord?]

    /// Reads a partition of a compacted topic from its start to its present end, a batch a call of `batch`.
    ///
    /// At least the latest record of each key is shown, tombstones possibly; an older one only before a newer one.
    func replay(
        _ topic: Topic, partition: Int, batch: @escaping @Sendable ([StoredRecord]) -> Void
    ) async throws(SpoolError)

    /// Reads all partitions of a topic without a group.
    func follow(_ topic: Topic, from start: FollowStart) async throws(SpoolError) -> any RecordStream

    /// Committed position of each partition of a group; `nil` where there is none.
    func committed(group: String, topic: Topic) async throws(SpoolError) -> [CommittedPosition?]

    /// First offset after the last record of each partition.
    func endOffsets(of topic: Topic) async throws(SpoolError) -> [Int64]

    /// Number of records at or above an offset of each partition that is asked for.
    func count(of topic: Topic, from offsets: [Int: Int64]) async throws(SpoolError) -> [Int: Int]

    /// Ends all work: waiting appends are written or failed, then files and connections are closed.
    func close() async
}

/// Where `follow` begins: records from a moment on, or those written after the call.
package enum FollowStart: Sendable {
    case beginning
    /// Only the partitions that are named, each from its offset on.
    case offsets([Int: Int64])
    case time(Timestamp)
    case end
}

/// A reader's place in all partitions of a topic.
package protocol RecordStream: Sendable {
    /// The next records, in order within each partition. Waits for some unless `wait` is false.
    ///
    /// - Returns: Empty only when `wait` is false and nothing is there, or after `close`.
    func next(wait: Bool) async throws(SpoolError) -> [StoredRecord]
    func close()
}

/// Membership in a consumer group.
///
/// One task calls `next`; everything else may be called from anywhere.
package protocol Subscription: Sendable {
    /// What happened to the membership, or records of the partitions that were begun.
    ///
    /// - Returns: `nil` after `leave`.
    func next() async throws(SpoolError) -> SubscriptionEvent?

    /// Starts the flow of records of an assigned partition.
    func begin(partition: Int, at offset: Int64)

    /// Stops the flow of records of a partition until it is begun again. None comes after the batch that `next`
    /// gave last.
    func pause(partition: Int)

    /// Ends the ownership of revoked partitions; only then may another member be given them.
    func release(_ partitions: [Int])

    /// Writes a transaction; see `SpoolTransaction`. Transactions are applied in the order of the calls.
    func commit(_ transaction: SpoolTransaction, done: @escaping @Sendable (Result<[Position], SpoolError>) -> Void)

    /// Gives up all partitions at once and ends `next`.
    func leave() async
}

package enum SubscriptionEvent: Sendable {
    /// The member owns these partitions from now on; nothing flows before `begin`.
    case assigned([Assignment])
    /// The group wants these back: finish, commit, then `release`.
    case revoked([Int])
    /// These are another member's already: nothing may be committed for them.
    case lost([Int])
    /// Ordered within each partition.
    case records([StoredRecord])

    package struct Assignment: Sendable {
        package var partition: Int
        /// What the group committed last; `nil` where it never did.
        package var committed: CommittedPosition?

        package init(partition: Int, committed: CommittedPosition?) {
            (self.partition, self.committed) = (partition, committed)
        }
    }
}
