package import DeliveryPolicy
package import MailModel

/// Exceptions to delivery by MX, in the order of the file: the first pattern that matches decides.
package struct RoutesConfiguration: Equatable, Sendable {
    package var entries: [RouteConfiguration] = []
    package init() {}

    /// - Returns: `nil` where no pattern matches: MX of the domain itself.
    package func route(for domain: Domain) -> RouteConfiguration? { entries.first { $0.pattern.matches(domain) } }
}

/// Which recipient domains a route is for.
package enum RoutePattern: Hashable, Sendable, CustomStringConvertible {
    case domain(Domain)
    /// `*.domain`: all below it, not the domain itself.
    case below(Domain)
    case any

    package func matches(_ domain: Domain) -> Bool {
        switch self {
        case .domain(let own): own == domain
        case .below(let parent):
            domain.name.utf8.count > parent.name.utf8.count + 1 && domain.name.hasSuffix("." + parent.name)
        case .any: true
        }
    }

    package var description: String {
        switch self {
        case .domain(let domain): domain.name
        case .below(let domain): "*." + domain.name
        case .any: "*"
        }
    }

    static func parse(_ text: String) throws(Refusal) -> RoutePattern {
        if text == "*" { return .any }
        let isBelow = text.hasPrefix("*.")
        guard let domain = Domain(normalizing: isBelow ? String(text.dropFirst(2)) : text) else {
            throw Refusal("is not a domain")
        }
        return isBelow ? .below(domain) : .domain(domain)
    }
}

/// Where the mail of a pattern goes, and what differs from `sender` on the way.
package struct RouteConfiguration: Equatable, Sendable {
    package enum Action: Equatable, Sendable {
        /// To these hosts, tried in this order; a port of `nil` is that of the route or of the sender.
        case relay([HostPort])
        /// To these servers of LMTP, tried in this order; a port of `nil` is that of the route or 24.
        case lmtp([HostOrSocket])
        /// Into Maildirs on this machine.
        case maildir(MaildirConfiguration)
        /// Taken and thrown away, with a `delivered` event.
        case discard
        /// To the MX hosts of another domain, or of the recipient's with `nil`.
        case mx(Domain?)
    }

    package var pattern: RoutePattern
    package var action: Action
    package var pool: String?
    package var tls: TLSPolicy?
    package var chunking: Bool?
    package var connections: Int?
    package var messagesPerConnection: Int?
    package var connectionRate: RateOverride?
    package var port: Int?

    package init(pattern: RoutePattern, action: Action) { (self.pattern, self.action) = (pattern, action) }
}

/// Where Maildirs lie.
package struct MaildirConfiguration: Equatable, Sendable {
    package var template: MaildirTemplate
    /// Whether one that is missing is made, with the directories between it and the root of the template.
    package var creates: Bool
    package init(template: MaildirTemplate, creates: Bool = true) {
        (self.template, self.creates) = (template, creates)
    }
}

/// A rate that overrides another, possibly with none.
package enum RateOverride: Equatable, Sendable {
    case unlimited
    case limited(Rate)
}
