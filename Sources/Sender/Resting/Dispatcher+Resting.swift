import Logging
import MailModel
import NIOCore
import Spool

extension Dispatcher {
    /// A resting message that is called back, until its record has been read.
    struct Wake {
        let partition: Int
        let epoch: UInt64
        let slot: UInt32
        let size: Int
        /// Where room is kept for it meanwhile.
        var lane: LaneKey?
    }

    /// Records read at a time.
    private static let wakeBatch = 1000

    // MARK: Lying down

    /// Puts a message down: it rests from the commit of its schedule record on, at once where that stands already.
    func putDown(_ message: QueuedMessage, _ rest: Rest) {
        release(message)
        message.content = nil
        message.refusedSources = []
        message.state = .leaving(rest)
        if !message.isStored { store(message) }
        if message.uncommittedRecords == 0 { lieDown(message, rest) }
        planTurn()
    }

    /// Schedule records are committed: what was put down rests.
    func recordCommitted(_ message: QueuedMessage, at offset: Int64) {
        message.uncommittedRecords -= 1
        message.record = offset
        guard owns(message), message.uncommittedRecords == 0, case .leaving(let rest) = message.state else { return }
        if !message.commands.isEmpty { return carryOut(message.commands, on: message) }
        lieDown(message, rest)
    }

    private func lieDown(_ message: QueuedMessage, _ rest: Rest) {
        guard let store = partitions[message.partition]?.resting, let record = message.record else { return }
        messages[message.key] = nil
        message.state = .left
        var rest = rest
        rest.due = min(rest.due, message.entry.expiry)
        let slot = store.put(message.entry, record: record, rest)
        if rest.reason == .lane, let lane = rest.lane { queue(slot, of: store, behind: lane) }
        planTurn()
    }

    /// Lets a lane call a resting message when it has room.
    private func queue(_ slot: UInt32, of store: RestingStore, behind lane: LaneKey) {
        lanes[lane]?.parked.append(
            .init(partition: Int32(store.partition), slot: slot, ticket: store[slot].ticket))
        if lanes[lane]?.parked.count == 1 { armWakeUp(lane) }
    }

    // MARK: Time

    func armDueTimer() {
        guard !isStopping, toWake.count < Self.wakeBatch, batch.size < 2 * settings.commitSize else { return }
        guard let due = stores.lazy.compactMap({ $0.nextDue() }).min() else { return }
        if let dueTimer, dueTimer.due <= due { return }
        dueTimer?.timer.cancel()
        // A wall clock may jump: look again after a minute at the latest.
        let wait = min(max(due - .now(), .zero), .seconds(60))
        let timer = loop.scheduleTask(in: TimeAmount(wait)) { [self] in
            dueTimer = nil
            runDue()
        }
        dueTimer = (due, timer)
    }

    /// Wakes what is due, a bounded number a turn, no partition before the others.
    private func runDue() {
        let now = Timestamp.now()
        let due = stores.filter { $0.nextDue().map { $0 <= now } ?? false }
        for store in due {
            guard let state = partitions[store.partition] else { continue }
            for _ in 0..<max(1, Self.wakeBatch / due.count) {
                guard let slot = store.popDue(at: now) else { break }
                if waitsOn(slot, store, now) { continue }
                wake(slot, of: store.partition, state)
            }
        }
        planTurn()
    }

    /// A message that was put down, and whose lane has no room for it now either, need not be read to find that out.
    private func waitsOn(_ slot: UInt32, _ store: RestingStore, _ now: Timestamp) -> Bool {
        let message = store[slot]
        guard message.queueState == "parked", message.command == 0, message.expiry > now,
            let lane = store.probableLane(of: slot),
            lanes[lane] != nil, !hasRoom(for: Int(message.size), in: lane)
        else { return false }
        // Its originator may have to be told that it waits: only its record says whether.
        let delayed = settings.delayAfter.map { message.arrival + $0 }
        if let delayed, delayed <= now, message.due <= delayed { return false }
        let due = delayed.map { $0 > now ? $0 : message.expiry } ?? message.expiry
        store.restAgain(slot, Rest(due: due, lane: lane, reason: .lane))
        queue(slot, of: store, behind: lane)
        return true
    }

    // MARK: Waking

    /// - Parameters:
    ///   - lane: Has room for the message, which is kept for it.
    ///   - isCommanded: Woken for an operator: very many may be, and others go first.
    func wake(
        _ slot: UInt32, of partition: Int, _ state: PartitionState, for lane: LaneKey? = nil, isCommanded: Bool = false
    ) {
        guard state.resting[slot].phase == .resting else { return }
        let size = Int(state.resting[slot].size)
        state.resting.wake(slot)
        if let lane { keepRoom(size, in: lane) }
        let wake = Wake(partition: partition, epoch: state.epoch, slot: slot, size: size, lane: lane)
        if isCommanded { commanded.append(wake) } else { toWake.append(wake) }
        planTurn()
    }

    /// Reads the records of messages that are called back, a batch at a time; not while commits lag behind.
    func readResting() {
        guard !isWaking, !(toWake.isEmpty && commanded.isEmpty), batch.size < 2 * settings.commitSize,
            notices.count < 10 * Self.wakeBatch
        else { return }
        var wakes = Array(toWake.prefix(Self.wakeBatch))
        toWake.removeFirst(wakes.count)
        let more = Array(commanded.prefix(Self.wakeBatch - wakes.count))
        commanded.removeFirst(more.count)
        wakes += more
        isWaking = true
        let positions = wakes.map { wake in
            // Of a partition that is lost, any position will do.
            Position(partition: wake.partition, offset: resting(wake).map { $0[wake.slot].record } ?? 0)
        }
        let bound = NIOLoopBound(wakes, eventLoop: loop)
        Task { [spool, loop] in
            let result: Result<[StoredRecord?], SpoolError>
            do throws(SpoolError) {
                result = .success(try await spool.read(positions, of: .schedule))
            } catch {
                result = .failure(error)
            }
            loop.execute { self.woke(bound.value, result) }
        }
    }

    /// The store in which a message wakes, unless its partition was lost since.
    private func resting(_ wake: Wake) -> RestingStore? {
        guard let state = partitions[wake.partition], state.epoch == wake.epoch else { return nil }
        return state.resting
    }

    private func woke(_ wakes: [Wake], _ result: Result<[StoredRecord?], SpoolError>) {
        isWaking = false
        var (freed, awaited) = (Set<LaneKey>(), Set<LaneKey>())
        if case .failure(let error) = result {
            logger.error("schedule records cannot be read now", metadata: ["error": "\(error)"])
        }
        for (index, wake) in wakes.enumerated() {
            if let lane = wake.lane {
                giveRoom(wake.size, in: lane)
                freed.insert(lane)
            }
            guard let store = resting(wake) else { continue }
            switch result {
            case .success(let records):
                let isLookedUp = wakeUp(wake, store, records[index])
                if isLookedUp, let lane = wake.lane { awaited.insert(lane) }
            case .failure(let error):
                fallAsleep(wake, store, "its record cannot be read: \(error.message)", for: .seconds(10))
            }
        }
        // Where hosts are looked up anew, the others wait for what is found; `sites.resolved` calls them.
        for lane in freed.subtracting(awaited) { callParked(lane) }
        planTurn()
    }

    /// - Returns: Whether it waits for a look-up now.
    private func wakeUp(_ wake: Wake, _ store: RestingStore, _ record: StoredRecord?) -> Bool {
        let resting = store[wake.slot]
        guard let entry = ScheduleEntry(of: resting.key, in: record) else {
            logger.critical(
                "the schedule record of a queued message is gone or cannot be read",
                metadata: [
                    "queue_id": "\(resting.queueID)", "partition": "\(wake.partition)", "offset": "\(resting.record)",
                ])
            metrics.setAside(.schedule)
            fallAsleep(wake, store, "its schedule record is gone or cannot be read", for: .seconds(3600))
            return false
        }
        let lane = store.lanes[resting.lane]
        let commands = takeCommands(resting.command)
        if !commands.isEmpty, !commands.contains(where: { isNews($0, to: entry) }) {
            store[wake.slot].command = 0
            lieAgain(wake, store, Rest(due: resting.due, lane: lane, reason: store.reasons[resting.reason]))
            return false
        }
        store.remove(wake.slot)
        let message = QueuedMessage(
            entry: entry, partition: wake.partition, epoch: wake.epoch, content: nil, body: .eightBitMIME)
        message.isStored = true
        message.record = resting.record
        message.lastLane = lane
        messages[message.key] = message
        if partitions[wake.partition]?.isRevoked == true {
            message.state = .left
        } else if !commands.isEmpty {
            carryOut(commands, on: message)
        } else if isStopping {
            message.state = .left
        } else {
            place(message)
        }
        if case .resolving = message.state { return true } else { return false }
    }

    /// It stays queued, and is tried again: its record may be back, or be seen by the next owner.
    private func fallAsleep(_ wake: Wake, _ store: RestingStore, _ reason: String, for time: Duration) {
        lieAgain(wake, store, Rest(due: .now() + time, lane: nil, reason: .text(reason)))
    }

    private func lieAgain(_ wake: Wake, _ store: RestingStore, _ rest: Rest) {
        store.restAgain(wake.slot, rest)
        if rest.reason == .lane, let lane = rest.lane { queue(wake.slot, of: store, behind: lane) }
    }
}

extension ScheduleEntry {
    /// What a schedule record says of a message; `nil` where it is another's or cannot be read.
    init?(of key: QueuedMessage.Key, in record: StoredRecord?) {
        // Whoever asks says which message it was.
        guard let value = record?.value, let entry = try? ScheduleEntry(decoding: value),
            entry.queueID == key.queueID, entry.part == key.part
        else { return nil }
        self = entry
    }
}
