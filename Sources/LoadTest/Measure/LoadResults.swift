/// What one event loop measured, or all of them together.
package struct LoadResults: Sendable {
    package enum Phase: Int, Sendable, CaseIterable {
        /// Until the connection stands.
        case connect
        /// From there to the reply to the first EHLO.
        case greeting
        /// From STARTTLS to the end of the handshake.
        case tls
        /// From MAIL to the last reply before the content.
        case envelope
        /// From the first octet of the content to its reply.
        case content
        /// From MAIL to the reply to the content.
        case transaction
        /// From the moment a message was due, or a connection was free for it, to the reply to its content: what
        /// waited for a connection, or for one to be opened, waited for the server.
        case total

        package var name: String { "\(self)" }
    }

    package struct Errors: Sendable {
        package var count: Int
        /// Text of the first.
        package var example: String
    }

    private var phases = [Latencies](repeating: Latencies(), count: Phase.allCases.count)
    package internal(set) var replies = ReplyCounts()
    /// By `LoadFailure.name`.
    package private(set) var errors: [String: Errors] = [:]
    package internal(set) var connections = 0
    package internal(set) var started = 0
    package private(set) var accepted = 0
    /// Messages with a negative reply, and those that ended otherwise.
    package private(set) var refused = 0
    package private(set) var failed = 0
    /// Of accepted messages.
    package private(set) var octets = 0
    package private(set) var recipients = 0
    /// Refused ones of accepted messages.
    package private(set) var refusedRecipients = 0
    /// Recipients that were accepted: number of the message times recipients of one, plus the place of the recipient.
    /// Empty unless it was asked for.
    package private(set) var acceptedSlots = SlotSet()
    /// The last message ended; nanoseconds from the start.
    package internal(set) var end: Int64 = 0

    package init() {}

    package subscript(_ phase: Phase) -> Latencies { phases[phase.rawValue] }

    mutating func record(_ phase: Phase, _ nanoseconds: Int64) { phases[phase.rawValue].record(nanoseconds) }

    mutating func add(_ failure: LoadFailure) {
        errors[failure.name, default: Errors(count: 0, example: failure.text)].count += 1
    }

    mutating func addFailed(_ failure: LoadFailure) {
        if case .reply = failure.kind { refused += 1 } else { failed += 1 }
        add(failure)
    }

    mutating func addAccepted(_ outcome: LoadOutcome, total: Int64, tracking: Bool) {
        accepted += 1
        octets += outcome.octets
        let all = outcome.message.domains.count
        recipients += all - outcome.refused.count
        refusedRecipients += outcome.refused.count
        record(.envelope, outcome.envelope)
        record(.content, outcome.content)
        record(.transaction, outcome.transaction)
        record(.total, total)
        guard tracking else { return }
        for index in 0..<all where !outcome.refused.contains(index) {
            acceptedSlots.insert(outcome.message.number * all + index)
        }
    }

    package mutating func add(_ other: LoadResults) {
        for index in phases.indices { phases[index].add(other.phases[index]) }
        replies.add(other.replies)
        for (name, more) in other.errors {
            errors[name, default: Errors(count: 0, example: more.example)].count += more.count
        }
        connections += other.connections
        started += other.started
        accepted += other.accepted
        refused += other.refused
        failed += other.failed
        octets += other.octets
        recipients += other.recipients
        refusedRecipients += other.refusedRecipients
        acceptedSlots.formUnion(other.acceptedSlots)
        end = max(end, other.end)
    }
}
