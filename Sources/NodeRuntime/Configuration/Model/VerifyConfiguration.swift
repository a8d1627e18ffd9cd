package import MailModel

/// Recipients that are asked for at the host of their domain before they are accepted.
package struct VerifyConfiguration: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        package var domain: Domain
        package var host: VerifyHost
    }

    package var hosts: [Entry] = []
    package var unverified = UnverifiedPolicy.defer
    package var positiveExpire: Duration = .days(31)
    package var positiveRefresh: Duration = .days(7)
    package var negativeExpire: Duration = .hours(3)
    package var unansweredExpire: Duration = .seconds(60)
    package var timeout: Duration = .seconds(10)
    /// Call-outs at once, and how many more may wait for their turn.
    package var probes = 20
    package var waiting = 1000
    /// Results kept.
    package var remembered = 100_000

    package init() {}
}

/// What becomes of a recipient that nobody says anything about.
package enum UnverifiedPolicy: String, Sendable, CaseIterable { case `defer`, accept }

/// Whom to ask.
package enum VerifyHost: Equatable, Sendable {
    case host(HostPort, isLMTP: Bool)
    case unixLMTP(String)
    /// The MX hosts of the domain, at this port.
    case mx(port: Int)
}
