import DeliveryPolicy
import MailModel
import Spool

/// A message that waits, in the few bytes that many of them may take: its schedule record has the rest.
///
/// Everything here serves to find it: by time, by lane, by what operators ask for. Strings are numbers of names
/// (`NameTable`); a value of trivial type, so that a million of them are plain memory.
struct RestingMessage {
    enum Phase: UInt8 {
        /// Holds no message.
        case free
        case resting
        /// Its record is being read, or will be in a turn to come.
        case waking
    }

    var queueID: QueueID
    /// Offset of its record in `schedule`.
    var record: Int64
    var arrival: Timestamp
    var expiry: Timestamp
    /// When it wakes by itself.
    var due: Timestamp
    /// Changes with each message and each due time, so that older places in queues are void.
    var ticket: UInt32 = 0
    var part: UInt32
    var state: ScheduleEntry.State
    var phase = Phase.free
    var size: UInt32
    var recipients: UInt32
    /// Bit by bit the bounce classes of its recipients' latest failures.
    var classes: BounceClassSet
    // Names
    var domain: UInt32
    var labels: UInt32
    /// The lane it was last in or waits for; 0 where none is known.
    var lane: UInt32
    /// Why it was put down, where its record does not say; see `RestingStore.Reason`.
    var reason: UInt32
    /// Number of the operator's command to be carried out when it has woken; 0 for none.
    var command: UInt32 = 0

    var key: QueuedMessage.Key { QueuedMessage.Key(queueID: queueID, part: Int(part)) }

    /// As operators know it.
    var queueState: String {
        switch state {
        case .held: "held"
        case .parked, .running: "parked"
        case .scheduled: reason == 0 ? "scheduled" : "parked"
        }
    }
}

/// Until when a message rests, and for what.
struct Rest {
    var due: Timestamp
    var lane: LaneKey?
    var reason: Reason?

    enum Reason: Hashable {
        /// Its lane has no room or is down: the lane says more when somebody asks.
        case lane
        case text(String)
    }
}

/// What queued messages are filtered by, together one name as the combinations are few.
struct RestingLabels: Hashable {
    var tenant: String?
    var campaign: String?
    var pool: String?

    init(_ wishes: Wishes) { (tenant, campaign, pool) = (wishes.tenant, wishes.campaign, wishes.pool) }
}

/// A set of bounce classes.
struct BounceClassSet: OptionSet, Hashable {
    let rawValue: UInt32

    private static let bits = Dictionary(
        uniqueKeysWithValues: BounceClass.allCases.enumerated().map { ($1.rawValue, UInt32(1) << UInt32($0)) })

    init(rawValue: UInt32) { self.rawValue = rawValue }

    /// - Parameter name: As in events; empty where it is no class.
    init(_ name: String) { rawValue = Self.bits[name] ?? 0 }

    init(of recipients: [ScheduleEntry.Recipient]) {
        rawValue = recipients.reduce(0) { bits, recipient in
            bits | (recipient.bounceClass.map { BounceClassSet($0).rawValue } ?? 0)
        }
    }
}
