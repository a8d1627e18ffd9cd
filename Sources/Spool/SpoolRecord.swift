package import MailModel
package import NIOCore

/// The topics of DESIGN §3. Their names carry a configurable prefix where the spool is shared.
package enum Topic: String, Sendable, CaseIterable {
    case mail, schedule, events, control
    case limitRequests = "limit-requests"
    case limitGrants = "limit-grants"

    /// Only the latest record of a key is kept; a record without a value ends its key.
    package var isCompacted: Bool { self == .schedule || self == .control }
}

/// A record to be written. It goes to the partition of its key unless it names one.
package struct SpoolRecord: Sendable {
    package var topic: Topic
    package var key: String
    package var partition: Int?
    /// The record header `envelope` of `mail` records.
    package var envelope: ByteBuffer?
    /// `nil` is a tombstone: it ends its key in a compacted topic.
    package var value: ByteBuffer?
    /// Offset of the `mail` record, in the partition of the same number, that a `schedule` record keeps from removal.
    ///
    /// Only a spool that removes single records heeds it; elsewhere retention by time has to be long enough.
    package var reference: Int64?

    package init(
        _ topic: Topic, key: String, partition: Int? = nil, envelope: ByteBuffer? = nil, value: ByteBuffer?
    ) {
        self.topic = topic
        self.key = key
        self.partition = partition
        self.envelope = envelope
        self.value = value
    }
}

/// Where a record lies in its topic. Offsets grow by one record, with gaps allowed.
package struct Position: Hashable, Comparable, Sendable {
    package var partition: Int
    package var offset: Int64

    package init(partition: Int, offset: Int64) { (self.partition, self.offset) = (partition, offset) }

    package static func < (a: Position, b: Position) -> Bool {
        (a.partition, a.offset) < (b.partition, b.offset)
    }
}

/// A record as the spool holds it.
package struct StoredRecord: Sendable {
    package var position: Position
    package var key: String
    /// When the spool took it, by the spool's clock.
    package var time: Timestamp
    package var envelope: ByteBuffer?
    package var value: ByteBuffer?

    package init(position: Position, key: String, time: Timestamp, envelope: ByteBuffer?, value: ByteBuffer?) {
        self.position = position
        self.key = key
        self.time = time
        self.envelope = envelope
        self.value = value
    }
}

/// How far a group has consumed a partition: every record below `offset` is finished, and what the group noted.
package struct CommittedPosition: Equatable, Sendable {
    package var partition: Int
    package var offset: Int64
    /// Up to 3,000 characters; the sender's ledger.
    package var metadata: String

    package init(partition: Int, offset: Int64, metadata: String) {
        (self.partition, self.offset, self.metadata) = (partition, offset, metadata)
    }
}

/// Records of several topics and consumed positions that become visible together or not at all.
package struct SpoolTransaction: Sendable {
    package var records: [SpoolRecord]
    package var positions: [CommittedPosition]

    package init(records: [SpoolRecord] = [], positions: [CommittedPosition] = []) {
        (self.records, self.positions) = (records, positions)
    }

    package var isEmpty: Bool { records.isEmpty && positions.isEmpty }
}
