import MailModel

/// What an operator may see of a lane.
struct LaneView: Sendable {
    struct RunningAttempt: Sendable {
        let key: QueuedMessage.Key
        let host: String
        let since: Timestamp
    }

    let key: LaneKey
    let ready: Int
    let connections: Int
    /// Connections allowed at this moment.
    let limit: Int
    let attempts: [RunningAttempt]
    /// It could begin an attempt, were it not for `max_uncommitted`.
    let isBlockedByGauge: Bool
}
