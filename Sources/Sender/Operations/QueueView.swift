import MailModel
import Spool

extension Dispatcher {
    func item(_ message: QueuedMessage) -> QueueItem {
        var item = QueueItem(
            message.entry, state: queueState(of: message), lane: message.lane, partition: message.partition)
        if item.state == "parked", let down = down(for: message) {
            item.reason = down.reason
            item.nextAttempt = down.until.description
        }
        return item
    }

    /// Queued messages in order of queue ID and part.
    ///
    /// - Parameters:
    ///   - bounceClass: Only those of which a recipient's latest failure has this class.
    ///   - after: Only those behind this key, for the next page.
    func list(
        _ selector: QueueSelector, bounceClass: String?, after: QueuedMessage.Key?, limit: Int
    ) -> [QueuedMessage] {
        let chosen = select(selector).filter { message in
            !message.isEnded && (after.map { $0 < message.key } ?? true)
                && (bounceClass == nil || message.entry.recipients.contains { $0.bounceClass == bounceClass })
        }
        return Array(chosen.sorted { $0.key < $1.key }.prefix(limit))
    }

    private func down(for message: QueuedMessage) -> (until: Timestamp, reason: String)? {
        message.lane.flatMap { lanes[$0]?.down }
    }

    /// The gate that holds a message, as far as the dispatcher knows; a lane adds what it knows.
    func gate(of message: QueuedMessage) -> Gate {
        let entry = message.entry
        switch message.state {
        case .resolving:
            return Gate(name: "lookup", value: "waiting for the hosts of \(entry.domain.name)", until: nil)
        case .loading(let target):
            return Gate(name: "content", value: "being read back for \(target.key)", until: nil)
        case .handed(let lane): return Gate(name: "lane", value: "in the ready queue of \(lane)", until: nil)
        case .ended: return Gate(name: "commit", value: "done; the outcome is being committed", until: nil)
        case .waiting:
            if let reason = entry.reason {
                let down = down(for: message)
                return Gate(name: "parked", value: down?.reason ?? reason, until: down?.until ?? entry.due)
            }
            let last = entry.recipients.compactMap(\.lastReply).last
            let text = last.map { "\($0)" } ?? entry.recipients.compactMap(\.lastFailure).last ?? "deferred"
            return Gate(name: "retry", value: "attempt \(message.attempts) was deferred: \(text)", until: entry.due)
        }
    }
}

/// What holds a message, its value, and until when (DESIGN §1, promise 6).
struct Gate: Sendable {
    var name: String
    var value: String
    var until: Timestamp?
}
