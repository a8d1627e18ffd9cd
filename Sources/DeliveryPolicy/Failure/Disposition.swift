package import MailModel

/// What follows from a failure: whom it concerns, what to do next, and how it is told.
package struct Disposition: Equatable, Sendable {
    /// What the failure is about. All recipients without an outcome share the step, except for `.recipient`.
    package enum Scope: String, Sendable { case session, host, message, recipient }

    package enum Step: String, Sendable {
        /// Same attempt, next address of the site.
        case nextHost
        /// Same attempt, same address, a new connection without STARTTLS.
        case retryInClear
        /// Same attempt, same address, a new connection that sends no BDAT.
        case retryByDATA
        /// Same attempt, from the first address on, with another source of the pool.
        case nextSource
        /// The attempt ends; a later one follows by the rule of `errorClass`.
        case `defer`
        /// The recipients have failed for good.
        case fail
    }

    /// What the lane and the site learn from it.
    package struct Effects: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// For the dead-host memory.
        package static let hostUnusable = Effects(rawValue: 1)
        /// Fewer connections at a time.
        package static let slowLane = Effects(rawValue: 2)
        /// No STARTTLS with this host for an hour.
        package static let rememberBrokenTLS = Effects(rawValue: 4)
        /// The connection is of no use any more; QUIT is polite where it still stands.
        package static let closesConnection = Effects(rawValue: 8)
    }

    package var scope: Scope
    package var step: Step
    package var errorClass: ErrorClass
    package var bounceClass: BounceClass
    package var severity: Severity
    /// Index of the operator's rule that gave class and severity.
    package var rule: Int?
    package var effects: Effects
    /// The message may have been taken all the same: cut after the final dot (RFC 1047).
    package var isAmbiguous: Bool
    /// The host's reply as it came; where there was none, one of our own that says what happened (RFC 3463).
    package var status: Reply

    /// `Status` of a DSN (RFC 3464 §2.3.4): its class follows the step, as a host's 5xx may mean no more than "later".
    package var enhancedStatus: String {
        let detail = status.detail ?? StatusDetail(0, 0)
        return "\(step == .fail ? 5 : 4).\(detail.subject).\(detail.detail)"
    }

    /// The address itself is bad: a reason to suppress it.
    package var condemnsAddress: Bool {
        step == .fail && severity == .hard && (bounceClass == .badMailbox || bounceClass == .inactiveMailbox)
    }
}
