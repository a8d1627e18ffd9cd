import DequeModule
import MailModel
import NIOCore
import Spool

extension Dispatcher {
    /// Puts a message down until its lane has room again. Putting one down again needs no record.
    func park(_ message: QueuedMessage, in lane: LaneKey) {
        guard let load = lanes[lane] else { return }
        let reason: String
        var due = Timestamp.now()
        if let down = load.down {
            reason = down.reason
            due = max(due, down.until)
        } else {
            reason = "\(lane.site) has \(load.messages) messages ready from \(lane.source)"
            // An estimate for a successor; here the lane itself calls.
            due = due + .milliseconds(Int64(Double(load.parked.count + load.messages) / max(load.rate, 1) * 1000))
        }
        putDown(message, because: reason, due: due, wait: message.entry.expiry)
        lanes[lane]?.parked.append(.init(message: message, ticket: message.ticket))
    }

    /// Puts a message down until a moment.
    func park(_ message: QueuedMessage, because reason: String, due: Timestamp) {
        putDown(message, because: reason, due: due, wait: due)
    }

    private func putDown(_ message: QueuedMessage, because reason: String, due: Timestamp, wait: Timestamp) {
        release(message)
        message.content = nil
        message.entry.reason = reason
        message.entry.due = due
        message.state = .waiting
        if !message.isStored {
            message.entry.state = .parked
            store(message)
        }
        waiting.add(message, due: min(wait, message.entry.expiry))
        planTurn()
    }

    /// Calls parked messages of a lane that has room again.
    func callParked(_ lane: LaneKey) {
        guard let load = lanes[lane], !load.parked.isEmpty, !isStopping else { return }
        if load.down == nil, load.messages > settings.readyMessages / 2 || load.bytes > settings.readyBytes / 2 {
            return
        }
        while let next = lanes[lane]?.parked.first {
            guard next.message.ticket == next.ticket, owns(next.message) else {
                _ = lanes[lane]?.parked.popFirst()
                continue
            }
            guard hasRoom(next.message, in: lane) else { break }
            _ = lanes[lane]?.parked.popFirst()
            waiting.remove(next.message)
            place(next.message)
            // Looked up anew, it holds no room here yet: the others wait for what it finds.
            if case .resolving = next.message.state { break }
            if lanes[lane]?.down != nil { break }
        }
        armWakeUp(lane)
    }

    /// While messages are parked and none is in the lane, whose end would call them, a timer does.
    private func armWakeUp(_ lane: LaneKey) {
        guard let load = lanes[lane], !load.parked.isEmpty, load.messages == 0 else { return }
        wake(lane, after: max((load.down?.until ?? .now()) - .now(), .seconds(1)))
    }

    private func wake(_ lane: LaneKey, after wait: Duration) {
        lanes[lane]?.wakeUp?.cancel()
        lanes[lane]?.wakeUp = loop.scheduleTask(in: TimeAmount(wait)) { [self] in
            callParked(lane)
            planTurn()
        }
    }

    /// A lane could not reach any host: until then nothing is handed to it, then one message is its probe.
    func laneWentDown(_ lane: LaneKey, until: Timestamp, because reason: String) {
        lanes[lane]?.down = (until, reason)
        wake(lane, after: max(until - .now(), .milliseconds(10)))
    }

    func laneWorks(_ lane: LaneKey) {
        guard lanes[lane]?.down != nil else { return }
        lanes[lane]?.down = nil
        wake(lane, after: .zero)
    }
}
