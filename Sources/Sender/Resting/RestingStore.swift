import HeapModule
import MailModel
import Spool

/// The messages of one partition that wait: slots of 96 bytes, and what finds them. With 1,000,000 a node took 180 bytes
/// each.
///
/// A message is here from the commit of its schedule record until it is wanted again; meanwhile the record is the
/// message. Slots keep their numbers, tickets tell their occupants apart.
///
/// `@unchecked Sendable`: filled by a take-over, then bound to the dispatcher's loop.
final class RestingStore: @unchecked Sendable {
    private struct Place: Comparable {
        let due: Timestamp
        let slot: UInt32
        let ticket: UInt32

        static func < (a: Place, b: Place) -> Bool { (a.due, a.ticket) < (b.due, b.ticket) }
    }

    let partition: Int

    private static let chunkBits: UInt32 = 10
    private static let chunkSize = 1 << chunkBits

    private var chunks: [ContiguousArray<RestingMessage>] = []
    private var free: [UInt32] = []
    private var index = SlotIndex()
    private var heap = Heap<Place>()
    private var lastTicket: UInt32 = 0
    /// Highest number of a part seen.
    private var lastPart = 0
    /// Messages with a place in the heap that counts.
    private var timed = 0
    private(set) var count = 0
    /// Recipients by queue state.
    private(set) var recipients: [String: Int] = [:]

    private(set) var domains = NameTable<String>()
    private(set) var labels = NameTable<RestingLabels>()
    private(set) var lanes = NameTable<LaneKey>()
    private(set) var reasons = NameTable<Rest.Reason>()
    /// Where mail of a domain went last, so that more of it need not be read to find no room there.
    private var domainLanes: [UInt32: (lane: LaneKey, pool: String?)] = [:]

    init(partition: Int) { self.partition = partition }

    subscript(slot: UInt32) -> RestingMessage {
        _read { yield chunks[Int(slot >> Self.chunkBits)][Int(slot) & (Self.chunkSize - 1)] }
        _modify { yield &chunks[Int(slot >> Self.chunkBits)][Int(slot) & (Self.chunkSize - 1)] }
    }

    /// The bits of an ID are random. A few parts of a message lie side by side, so that its ID alone finds them.
    private static func hash(_ id: QueueID, _ part: UInt32) -> UInt64 {
        id.low &+ UInt64(part / neighbours) &* 0x9E37_79B9_7F4A_7C15
    }
    private static let neighbours: UInt32 = 16

    private func hash(of slot: UInt32) -> UInt64 { Self.hash(self[slot].queueID, self[slot].part) }

    func slot(of key: QueuedMessage.Key) -> UInt32? {
        index.slot(Self.hash(key.queueID, UInt32(clamping: key.part))) { self[$0].key == key }
    }

    /// Lays a message down, in the place of what is here of the same key.
    ///
    /// - Parameter record: Offset of the schedule record that stands for it.
    @discardableResult func put(_ entry: ScheduleEntry, record: Int64, _ rest: Rest) -> UInt32 {
        if let old = slot(of: QueuedMessage.Key(queueID: entry.queueID, part: entry.part)) { remove(old) }
        var message = RestingMessage(
            queueID: entry.queueID, record: record, arrival: entry.arrival, expiry: entry.expiry, due: rest.due,
            part: UInt32(clamping: entry.part), state: entry.state, size: UInt32(clamping: entry.size),
            recipients: UInt32(clamping: entry.recipients.count), classes: BounceClassSet(of: entry.recipients),
            domain: domains.use(entry.domain.name), labels: labels.use(RestingLabels(entry.wishes)),
            lane: lanes.use(rest.lane), reason: reasons.use(rest.reason))
        message.phase = .resting
        let slot = takeSlot()
        self[slot] = message
        index.insert(slot, hash(of: slot)) { hash(of: $0) }
        count += 1
        lastPart = max(lastPart, entry.part)
        recipients[message.queueState, default: 0] += entry.recipients.count
        setTimer(slot)
        return slot
    }

    private func takeSlot() -> UInt32 {
        if let slot = free.popLast() { return slot }
        let vacant = RestingMessage(
            queueID: QueueID(high: 0, low: 0), record: 0, arrival: Timestamp(milliseconds: 0),
            expiry: Timestamp(milliseconds: 0), due: Timestamp(milliseconds: 0), part: 0, state: .scheduled, size: 0,
            recipients: 0, classes: [], domain: 0, labels: 0, lane: 0, reason: 0)
        let first = UInt32(chunks.count) << Self.chunkBits
        chunks.append(ContiguousArray(repeating: vacant, count: Self.chunkSize))
        free = (first + 1..<first + UInt32(Self.chunkSize)).reversed()
        return first
    }

    /// Takes a message out: it is wanted, or at its end.
    func remove(_ slot: UInt32) {
        let message = self[slot]
        if message.phase == .resting { timed -= 1 }
        index.remove(slot, hash(of: slot)) { hash(of: $0) }
        count -= 1
        recipients[message.queueState, default: 0] -= Int(message.recipients)
        if domains.drop(message.domain) { domainLanes[message.domain] = nil }
        labels.drop(message.labels)
        lanes.drop(message.lane)
        reasons.drop(message.reason)
        self[slot].phase = .free
        self[slot].ticket = nextTicket()
        free.append(slot)
        if count == 0 { (chunks, free, heap, index) = ([], [], Heap(), SlotIndex()) }
    }

    // MARK: Time

    private func nextTicket() -> UInt32 {
        lastTicket &+= 1
        return lastTicket
    }

    private func setTimer(_ slot: UInt32) {
        let ticket = nextTicket()
        self[slot].ticket = ticket
        heap.insert(Place(due: self[slot].due, slot: slot, ticket: ticket))
        timed += 1
        // Void places of long waits would outlive their messages: rebuilt when they are the majority.
        if heap.count > 1024, heap.count > 2 * timed { heap = Heap(heap.unordered.filter { isValid($0) }) }
    }

    private func isValid(_ place: Place) -> Bool { holds(place.slot, place.ticket) }

    /// Whether the message that had this slot and ticket still rests there.
    func holds(_ slot: UInt32, _ ticket: UInt32) -> Bool {
        slot >> Self.chunkBits < chunks.count && self[slot].ticket == ticket && self[slot].phase == .resting
    }

    /// Earliest due time.
    func nextDue() -> Timestamp? {
        guard count > 0 else { return nil }
        while let first = heap.min, !isValid(first) { heap.removeMin() }
        return heap.min?.due
    }

    /// A message that is due, its place taken: it must be woken or rest again.
    func popDue(at now: Timestamp) -> UInt32? {
        guard let due = nextDue(), due <= now else { return nil }
        return heap.removeMin().slot
    }

    /// A message begins to wake: no queue finds it any more.
    func wake(_ slot: UInt32) {
        guard self[slot].phase == .resting else { return }
        self[slot].phase = .waking
        self[slot].ticket = nextTicket()
        timed -= 1
    }

    /// A message that was woken or due lies down again, unchanged but for what it waits for.
    func restAgain(_ slot: UInt32, _ rest: Rest) {
        if self[slot].phase == .resting { timed -= 1 }
        recipients[self[slot].queueState, default: 0] -= Int(self[slot].recipients)
        let (lane, reason) = (lanes.use(rest.lane), reasons.use(rest.reason))
        lanes.drop(self[slot].lane)
        reasons.drop(self[slot].reason)
        (self[slot].lane, self[slot].reason, self[slot].due) = (lane, reason, rest.due)
        self[slot].phase = .resting
        recipients[self[slot].queueState, default: 0] += Int(self[slot].recipients)
        setTimer(slot)
    }

    // MARK: Lanes

    /// Mail of a domain is on its way into a lane.
    func noteLane(_ lane: LaneKey, of entry: ScheduleEntry) {
        guard count > 0, entry.relay == nil, let number = domains.number(of: entry.domain.name) else { return }
        domainLanes[number] = (lane, entry.wishes.pool)
    }

    /// Routes or pools have changed.
    func forgetLanes() { domainLanes = [:] }

    /// The lane that a resting message would probably go to: its own, or that of other mail of its domain and pool.
    func probableLane(of slot: UInt32) -> LaneKey? {
        if let lane = lanes[self[slot].lane] { return lane }
        guard let known = domainLanes[self[slot].domain], known.pool == labels[self[slot].labels]?.pool else {
            return nil
        }
        return known.lane
    }

    // MARK: Search

    /// Calls `body` with each message and its slot, waking ones included; it must not change the store.
    func forEach(_ body: (UInt32, RestingMessage) -> Void) {
        for (number, chunk) in chunks.enumerated() {
            for place in chunk.indices where chunk[place].phase != .free {
                body(UInt32(number) << Self.chunkBits | UInt32(place), chunk[place])
            }
        }
    }

    /// Calls `body` with the slots of the parts of a message that lie in this partition.
    func forEachPart(of id: QueueID, _ body: (UInt32) -> Void) {
        var found: [UInt32] = []
        for part in stride(from: 0, through: lastPart, by: Int(Self.neighbours)) {
            _ = index.slot(Self.hash(id, UInt32(part))) { slot in
                // A chain may run into that of another group.
                let isOfGroup = Int(self[slot].part / Self.neighbours * Self.neighbours) == part
                if self[slot].queueID == id, isOfGroup { found.append(slot) }
                return false
            }
        }
        found.forEach(body)
    }
}
