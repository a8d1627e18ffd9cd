package import MailModel

/// Key of a record of the `schedule` topic that stands for a message.
///
/// Other keys there (`claim`, `limit/…`) are no such keys and read as `nil`.
package enum ScheduleKey: Hashable, Sendable {
    /// `QUEUEID/part`
    case entry(QueueID, part: Int)
    /// `QUEUEID/part/dsn/attempt`: a DSN still to be written about the outcome of that attempt.
    case notice(QueueID, part: Int, attempt: Int)
}

extension ScheduleKey: LosslessStringConvertible {
    package var description: String {
        switch self {
        case .entry(let id, let part): "\(id.description)/\(part)"
        case .notice(let id, let part, let attempt): "\(id.description)/\(part)/dsn/\(attempt)"
        }
    }

    package init?(_ text: String) {
        let pieces = text.split(separator: "/", maxSplits: 4, omittingEmptySubsequences: false)
        guard pieces.count == 2 || pieces.count == 4, let id = QueueID(String(pieces[0])),
            let part = Int(pieces[1]), part >= 0
        else { return nil }
        if pieces.count == 2 {
            self = .entry(id, part: part)
        } else {
            guard pieces[2] == "dsn", let attempt = Int(pieces[3]), attempt >= 0 else { return nil }
            self = .notice(id, part: part, attempt: attempt)
        }
    }
}
