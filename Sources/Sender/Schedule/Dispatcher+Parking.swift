import DequeModule
import MailModel
import NIOCore
import Spool

extension Dispatcher {
    /// Puts a message down until its lane has room again. Putting one down again needs no record.
    func park(_ message: QueuedMessage, in lane: LaneKey) {
        guard let load = lanes[lane] else { return }
        // For a successor: the time is an estimate, and here the lane itself calls.
        let wait = Double(load.parked.count + load.messages) / max(load.rate, 1)
        let due = max(.now() + .milliseconds(Int64(wait * 1000)), load.down?.until ?? .now())
        message.entry.reason = lack(of: lane, load).value
        message.entry.due = due
        if !message.isStored { message.entry.state = .parked }
        putDown(message, Rest(due: delayMoment(of: message) ?? message.entry.expiry, lane: lane, reason: .lane))
    }

    /// Puts a message down until a moment.
    func park(_ message: QueuedMessage, because reason: String, due: Timestamp) {
        message.entry.reason = reason
        message.entry.due = due
        if !message.isStored { message.entry.state = .parked }
        putDown(message, Rest(due: due, lane: message.lane, reason: .text(reason)))
    }

    /// What keeps a message out of a lane.
    func lack(of lane: LaneKey, _ load: LaneLoad) -> Lack {
        if let down = load.down { return Lack(value: down.reason, until: down.until) }
        return Lack(value: "\(lane.site) has \(load.messages) messages ready from \(lane.source)", until: nil)
    }

    /// Calls parked messages of a lane that has room again.
    func callParked(_ lane: LaneKey) {
        guard let load = lanes[lane], !load.parked.isEmpty, !isStopping else { return }
        if load.down == nil, load.messages > settings.readyMessages / 2 || load.bytes > settings.readyBytes / 2 {
            return
        }
        while let next = lanes[lane]?.parked.first {
            let partition = Int(next.partition)
            guard let state = partitions[partition], state.resting.holds(next.slot, next.ticket), !state.isRevoked
            else {
                _ = lanes[lane]?.parked.popFirst()
                continue
            }
            guard hasRoom(for: Int(state.resting[next.slot].size), in: lane) else { break }
            _ = lanes[lane]?.parked.popFirst()
            wake(next.slot, of: partition, state, for: lane)
        }
        armWakeUp(lane)
    }

    /// While messages are parked and none is in the lane, whose end would call them, a timer does.
    func armWakeUp(_ lane: LaneKey) {
        guard let load = lanes[lane], !load.parked.isEmpty, load.messages == 0 else { return }
        call(lane, after: max((load.down?.until ?? .now()) - .now(), .seconds(1)))
    }

    private func call(_ lane: LaneKey, after wait: Duration) {
        lanes[lane]?.wakeUp?.cancel()
        lanes[lane]?.wakeUp = loop.scheduleTask(in: TimeAmount(wait)) { [self] in
            callParked(lane)
            planTurn()
        }
    }

    /// A lane could not reach any host: until then nothing is handed to it, then one message is its probe.
    func laneWentDown(_ lane: LaneKey, until: Timestamp, because reason: String) {
        lanes[lane]?.down = (until, reason)
        call(lane, after: max(until - .now(), .milliseconds(10)))
    }

    func laneWorks(_ lane: LaneKey) {
        guard lanes[lane]?.down != nil else { return }
        lanes[lane]?.down = nil
        call(lane, after: .zero)
    }
}
