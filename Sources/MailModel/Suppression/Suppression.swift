/// An entry of the suppression list: mail to its target is not sent, and ends as `suppressed`.
package struct Suppression: Equatable, Sendable {
    /// How it came into the list.
    package enum Source: String, Sendable, CaseIterable {
        case manual
        case `import`
        /// A host said for good that there is no such mailbox.
        case hardBounce = "hard-bounce"
    }

    package var key: SuppressionKey
    package var source: Source
    package var created: Timestamp
    /// Nothing is suppressed from then on; `nil` for ever.
    package var expiry: Timestamp?
    /// For the events that follow.
    package var reason: String?
    /// Who added it, for the events that follow.
    package var actor: String?
    /// Of the failure that added it.
    package var bounceClass: String?
    package var reply: String?
    package var queueID: QueueID?

    package init(
        _ key: SuppressionKey, _ source: Source, created: Timestamp, expiry: Timestamp? = nil, reason: String? = nil,
        actor: String? = nil
    ) {
        self.key = key
        self.source = source
        self.created = created
        self.expiry = expiry
        self.reason = reason
        self.actor = actor
    }

    package func isExpired(at now: Timestamp) -> Bool { expiry.map { $0 <= now } ?? false }
}
