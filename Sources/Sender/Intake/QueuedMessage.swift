import MailModel
import NIOCore
import Spool

/// One part of a message that this sender is at work on; while it only waits, it is a `RestingMessage`. Owned by the
/// dispatcher, touched on its loop only.
final class QueuedMessage {
    /// Where the message is between intake, or its rest, and its end.
    enum State {
        /// Waits for the hosts of its destination. → loading, handed, leaving, ended
        case resolving
        /// Its content is being read back for an attempt. → handed, leaving, ended
        case loading(LaneTarget)
        /// In a lane: in its ready queue, or being attempted. → resolving, leaving, ended
        case handed(LaneKey)
        /// Put down, after an attempt or for lack of room; rests when its schedule record is committed.
        case leaving(Rest)
        /// Nothing has it: it was just read, or is left as it lies in the spool because the sender is stopping.
        case left
        /// All recipients have their final outcome, which is not committed yet.
        case ended
    }

    struct Key: Hashable, Comparable, Sendable {
        let queueID: QueueID
        let part: Int

        static func < (a: Key, b: Key) -> Bool { (a.queueID, a.part) < (b.queueID, b.part) }
    }

    /// What is still to be done; what a schedule record of it says or would say.
    var entry: ScheduleEntry
    var state = State.left
    let partition: Int
    /// Assignment of the partition under which it was taken in.
    let epoch: UInt64
    /// Present while the message may be attempted.
    var content: ByteBuffer?
    /// A schedule record stands for the message: its offset is finished, and its end needs a tombstone.
    var isStored = false
    /// Schedule records of it that are not committed yet, and the offset of the latest one that is.
    var uncommittedRecords = 0
    var record: Int64?
    /// Operators' commands to be carried out, in order, when the lane gives the message back.
    var commands: [QueueCommand] = []
    /// Room it takes among what is ready.
    var reservation: Reservation?
    var body: BodyType
    var lastLane: LaneKey?
    /// Sources whose sessions a host refused in the attempt that goes on.
    var refusedSources: [String] = []

    enum Reservation {
        case memory
        case lane(LaneKey)
    }

    init(entry: ScheduleEntry, partition: Int, epoch: UInt64, content: ByteBuffer?, body: BodyType) {
        self.entry = entry
        self.partition = partition
        self.epoch = epoch
        self.content = content
        self.body = body
    }

    var key: Key { Key(queueID: entry.queueID, part: entry.part) }
    var position: Position { Position(partition: partition, offset: entry.offset) }
    var isEnded: Bool {
        if case .ended = state { true } else { false }
    }

    /// The lane it is in or on its way to, or the one it was parked for.
    var lane: LaneKey? {
        switch state {
        case .handed(let lane): lane
        case .loading(let target): target.key
        case .leaving(let rest): rest.lane ?? lastLane
        case .resolving, .left, .ended: lastLane
        }
    }

    var isReserved: Bool { reservation != nil }
    var recipientCount: Int { entry.recipients.count }
}
