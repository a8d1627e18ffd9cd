import MailModel
import NIOCore
import Spool

/// One part of a message while this sender is responsible for it. Owned by the dispatcher, touched on its loop only.
final class QueuedMessage {
    /// Where the message is between intake and its end. Indirect, as most messages wait, and are very many.
    indirect enum State {
        /// Waits for the hosts of its destination. → handed, scheduled, parked
        case resolving
        /// Its content is being read back for an attempt. → resolving, handed, parked
        case loading(LaneTarget)
        /// In a lane: in its ready queue, or being attempted. → scheduled, parked, ended
        case handed(LaneKey)
        /// Waits for its due time, after an attempt or for lack of room. → loading, ended
        case waiting
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
    var state: State = .resolving
    let partition: Int
    /// Assignment of the partition under which it was taken in.
    let epoch: UInt64
    /// Present while the message may be attempted.
    var content: ByteBuffer?
    /// A schedule record stands for the message: its offset is finished, and its end needs a tombstone.
    var isStored = false
    /// An operator's command to be carried out when the lane gives the message back.
    var command: QueueCommand? {
        get {
            if case .some(let given) = commanded { given } else { nil }
        }
        set { commanded = newValue.map { .some($0) } ?? .none }
    }
    private var commanded = Commanded.none

    private indirect enum Commanded {
        case none
        case some(QueueCommand)
    }
    /// Place in the due queue; older tickets of the message are void.
    var ticket: UInt64 = 0
    /// Room it takes among what is ready.
    var reservation: Reservation?
    var body: BodyType
    var lastLane: LaneKey?
    /// Sources whose sessions a host refused in the attempt that goes on.
    var refusedSources: [String] = []

    indirect enum Reservation {
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
        case .resolving, .waiting, .ended: lastLane
        }
    }

    var isReserved: Bool { reservation != nil }
    var recipientCount: Int { entry.recipients.count }
    /// Attempts of the recipient that has most of them.
    var attempts: Int { entry.recipients.reduce(0) { max($0, $1.attempts) } }
}
