package import MailModel

/// An operator's command to every node, the nodes' answers to it, and the suppression list: the values of `control`
/// records.
///
/// A command applies to messages accepted before its moment, so that applying it again changes nothing, and expires
/// after a day. Key of a command: its ID. Key of an answer: the command's ID, `/` and the node. A suppression stands
/// until a tombstone of its key.
package enum ControlRecord: Equatable, Sendable {
    case command(QueueCommand)
    case answer(QueueAnswer)
    case suppression(Suppression)
}

package struct QueueCommand: Equatable, Sendable {
    package enum Action: String, Sendable, CaseIterable {
        case retry, fail, drop, hold, release, reroute

        /// What waits in a lane, or is tried there without success, is taken from it.
        package var endsAttempts: Bool { self != .retry && self != .release }
    }

    package var id: QueueID
    package var action: Action
    package var selector: QueueSelector
    package var issued: Timestamp
    /// Who asked, for the events that follow.
    package var actor: String
    /// Their words, for the events that follow.
    package var reason: String?
    /// Of `reroute`: the pool to send from.
    package var pool: String?
    /// Of `reroute`: relay hosts to send to in place of the routes, as `relay` of a route; empty for the routes.
    package var relay: String?

    package init(
        id: QueueID, action: Action, selector: QueueSelector, issued: Timestamp, actor: String, reason: String? = nil
    ) {
        self.id = id
        self.action = action
        self.selector = selector
        self.issued = issued
        self.actor = actor
        self.reason = reason
    }
}

/// Which queued messages are meant: all that match every given field.
package struct QueueSelector: Equatable, Sendable {
    package var queueID: QueueID?
    package var domain: String?
    package var site: String?
    package var tenant: String?
    package var campaign: String?
    package var pool: String?
    /// A queue state: `ready attempting scheduled parked held suspended`.
    package var state: String?

    package static let states = ["ready", "attempting", "scheduled", "parked", "held", "suspended"]

    package init() {}

    package var isEmpty: Bool { self == QueueSelector() }
    /// Chooses by what changes while a message is queued.
    package var isMomentary: Bool { state != nil || site != nil }
}

package struct QueueAnswer: Equatable, Sendable {
    package var command: QueueID
    package var node: String
    /// Recipients the command applied to.
    package var matched: Int

    package init(command: QueueID, node: String, matched: Int) {
        (self.command, self.node, self.matched) = (command, node, matched)
    }
}
