import DequeModule
import MailModel
import NIOCore

/// What the dispatcher knows of a lane: how full it is, and who waits for room in it. A class, as a copy would share
/// the queue, and the next change of it would then copy a million places.
final class LaneLoad {
    /// Stands for the lane where its name would cost too much.
    let number: Int
    var messages = 0
    var bytes = 0
    /// Attempts that end in a second, smoothed.
    private(set) var rate = 0.0
    private var counted = (ends: 0, since: NIODeadline.now())
    var context: LaneContext
    /// Put down for lack of room, in order of arrival; a message that left has another ticket.
    var parked: Deque<Parked> = []
    /// No host of the site can be reached until then.
    var down: (until: Timestamp, reason: String)?
    var wakeUp: Scheduled<Void>?

    init(number: Int, context: LaneContext) {
        self.number = number
        self.context = context
    }

    func noteEnd(at now: NIODeadline) {
        counted.ends += 1
        let time = Double((now - counted.since).nanoseconds) / 1e9
        guard time >= 1 else { return }
        rate = (rate + Double(counted.ends) / time) / 2
        counted = (0, now)
    }

    struct Parked {
        let partition: Int32
        let slot: UInt32
        let ticket: UInt32
    }
}
