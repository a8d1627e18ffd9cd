import MailModel
import Spool

/// A resting message as far as memory tells; its schedule record has the rest.
struct RestingView: Sendable {
    let key: QueuedMessage.Key
    /// Of its record in `schedule`.
    let position: Position
    let state: String
    let lane: LaneKey?
    /// What keeps it, where that is not the outcome of its last attempt.
    let lack: Lack?
}

/// What a message waits for, and until when.
struct Lack: Sendable {
    var value: String
    var until: Timestamp?
}

extension Dispatcher {
    func item(_ message: QueuedMessage) -> QueueItem {
        var item = QueueItem(
            message.entry, state: queueState(of: message), lane: message.lane, partition: message.partition)
        if case .leaving(let rest) = message.state { item.explain(lack(rest.reason, rest.lane, until: rest.due)) }
        return item
    }

    private func view(_ message: RestingMessage, in store: RestingStore) -> RestingView {
        let lane = store.lanes[message.lane]
        return RestingView(
            key: message.key, position: Position(partition: store.partition, offset: message.record),
            state: message.queueState, lane: lane,
            lack: message.state == .held ? nil : lack(store.reasons[message.reason], lane, until: message.due))
    }

    private func lack(_ reason: Rest.Reason?, _ lane: LaneKey?, until due: Timestamp) -> Lack? {
        switch reason {
        case nil: return nil
        case .text(let text): return Lack(value: text, until: due)
        case .lane:
            guard let lane, let load = lanes[lane] else { return Lack(value: "its lane is full", until: nil) }
            return lack(of: lane, load)
        }
    }

    /// Keys of queued messages in order of queue ID and part, the first of them.
    ///
    /// - Parameters:
    ///   - bounceClass: Only those of which a recipient's latest failure has this class.
    ///   - after: Only those behind this key, for the next page.
    func list(
        _ selector: QueueSelector, bounceClass: String?, after: QueuedMessage.Key?, limit: Int
    ) -> [QueuedMessage.Key] {
        var first = FirstKeys(limit: limit)
        for message in select(selector) where !message.isEnded && (after.map { $0 < message.key } ?? true) {
            guard bounceClass == nil || message.entry.recipients.contains(where: { $0.bounceClass == bounceClass })
            else { continue }
            first.offer(message.key)
        }
        for state in partitions.values {
            filter(selector, bounceClass: bounceClass, in: state.resting)?.forEach { message in
                if after.map({ $0 < message.key }) ?? true { first.offer(message.key) }
            }
        }
        return first.sorted
    }

    /// What is known here of messages by key; those that are gone are left out.
    func look(at keys: [QueuedMessage.Key]) -> (atWork: [LiveView], resting: [RestingView]) {
        var (atWork, resting) = ([LiveView](), [RestingView]())
        for key in keys {
            if let message = messages[key] {
                if !message.isEnded {
                    atWork.append(LiveView(key: key, item: item(message), gate: gate(of: message), lane: message.lane))
                }
                continue
            }
            for state in partitions.values {
                guard let slot = state.resting.slot(of: key) else { continue }
                resting.append(view(state.resting[slot], in: state.resting))
                break
            }
        }
        return (atWork, resting)
    }

    /// The gate that holds a message at work, as far as the dispatcher knows; a lane adds what it knows.
    private func gate(of message: QueuedMessage) -> Gate {
        switch message.state {
        case .resolving:
            return Gate(name: "lookup", value: "waiting for the hosts of \(message.entry.domain.name)", until: nil)
        case .loading(let target):
            return Gate(name: "content", value: "being read back for \(target.key)", until: nil)
        case .handed(let lane): return Gate(name: "lane", value: "in the ready queue of \(lane)", until: nil)
        case .left: return Gate(name: "sender", value: "the sender is stopping", until: nil)
        case .ended: return Gate(name: "commit", value: "done; the outcome is being committed", until: nil)
        case .leaving(let rest): return Gate(of: message.entry, lack(rest.reason, rest.lane, until: rest.due))
        }
    }
}

/// A message at work as operators see it.
struct LiveView: Sendable {
    let key: QueuedMessage.Key
    var item: QueueItem
    var gate: Gate
    let lane: LaneKey?
}

/// What holds a message, its value, and until when (DESIGN §1, promise 6).
struct Gate: Sendable {
    var name: String
    var value: String
    var until: Timestamp?

    init(name: String, value: String, until: Timestamp?) { (self.name, self.value, self.until) = (name, value, until) }

    /// Of a message that waits.
    init(of entry: ScheduleEntry, _ lack: Lack?) {
        if entry.state == .held {
            self.init(name: "held", value: entry.reason ?? "held", until: nil)
        } else if let lack {
            self.init(name: "parked", value: lack.value, until: lack.until)
        } else {
            let last = entry.recipients.compactMap(\.lastReply).last
            let text = last.map { "\($0)" } ?? entry.recipients.compactMap(\.lastFailure).last ?? "deferred"
            let attempts = entry.recipients.reduce(0) { max($0, $1.attempts) }
            self.init(name: "retry", value: "attempt \(attempts) was deferred: \(text)", until: entry.due)
        }
    }
}
