import DeliveryPolicy
import MailModel
import NIOCore
import NodeRuntime
import Spool

/// Where mail for a domain goes by configuration; `SiteDirectory` finds the hosts.
struct Router: Sendable {
    enum Route: Sendable {
        case discard
        case relay([HostPort], LaneSettings)
        case lmtp([HostOrSocket], LaneSettings)
        case maildir(MaildirConfiguration, LaneSettings)
        /// The domain whose MX hosts take the mail.
        case mx(Domain, LaneSettings)
        /// Ends at once, or waits, with this reply (`error:` and `retry:` of transport tables).
        case fail(Reply)

        var kind: Site.Kind {
            switch self {
            case .discard: .discard
            case .relay: .relay
            case .lmtp: .lmtp
            case .maildir: .maildir
            case .mx, .fail: .mx
            }
        }
    }

    /// Servers of LMTP listen here by custom; RFC 2033 §5 forbids 25.
    static let portOfLMTP = 24

    private let routes: [(pattern: RoutePattern, route: Route)]
    private let byMX: LaneSettings
    private let transports: TransportTables
    private let toRelays: LaneSettings
    private let toLMTP: LaneSettings

    /// - Parameter transports: Asked where no route matches.
    init(
        routes: RoutesConfiguration, sender: SenderConfiguration, transports: TransportTables = TransportTables()
    ) {
        self.transports = transports
        let defaults = LaneSettings(sender)
        byMX = defaults
        toRelays = defaults.overridden(by: RouteConfiguration(pattern: .any, action: .relay([])))
        var toLMTP = defaults.overridden(by: RouteConfiguration(pattern: .any, action: .lmtp([])))
        toLMTP.route = .min
        self.toLMTP = toLMTP
        self.routes = routes.entries.enumerated().map { index, entry in
            var settings = defaults.overridden(by: entry)
            settings.route = index + 1
            return switch entry.action {
            case .discard: (entry.pattern, .discard)
            case .relay(let hosts): (entry.pattern, .relay(hosts, settings))
            case .lmtp(let hosts): (entry.pattern, .lmtp(hosts, settings))
            case .maildir(let maildir): (entry.pattern, .maildir(maildir, settings))
            case .mx(let domain): (entry.pattern, .mx(domain ?? Domain(canonical: ""), settings))
            }
        }
    }

    /// Where a message goes: to the relay hosts an operator chose for it, or by the routes.
    func route(_ entry: ScheduleEntry) -> Route {
        guard let relay = entry.relay else { return route(entry.domain) }
        // Checked when the command was given; one that cannot be read any more leaves the message to its routes.
        guard let hosts = try? HostPort.list(relay), !hosts.isEmpty else { return route(entry.domain) }
        var settings = byMX
        settings.unlimitConnections()
        return .relay(hosts, settings)
    }

    private func route(_ domain: Domain) -> Route {
        guard let route = routes.first(where: { $0.pattern.matches(domain) })?.route else { return transport(domain) }
        if case .mx(let other, let settings) = route, other.name.isEmpty { return .mx(domain, settings) }
        return route
    }

    /// Routes of tables have numbers below 0, one for all relays, one for LMTP, and one for each port of MX hosts: what differs
    /// otherwise has sites of different names.
    private func transport(_ domain: Domain) -> Route {
        switch transports.action(for: domain) {
        case nil: return .mx(domain, byMX)
        case .discard: return .discard
        case .fail(let reply): return .fail(reply)
        case .relay(let hosts):
            var settings = toRelays
            settings.route = -1
            return .relay(hosts.map(HostPort.init), settings)
        case .lmtp(let host): return .lmtp([.network(HostPort(host))], toLMTP)
        case .lmtpSocket(let path): return .lmtp([.socket(path)], toLMTP)
        case .mx(let other, let port):
            var settings = byMX
            if other != nil || port != nil { settings.route = -2 - (port ?? 0) }
            settings.port = port ?? settings.port
            return .mx(other ?? domain, settings)
        }
    }
}

extension HostPort {
    fileprivate init(_ host: TransportHost) {
        switch host.host {
        case .name(let domain): self.init(host: .name(domain), port: host.port)
        case .address(let address): self.init(host: .address(address), port: host.port)
        }
    }
}

extension LaneSettings {
    init(_ sender: SenderConfiguration) {
        pacing.start = sender.lane.startConnections
        pacing.ceiling = sender.lane.connections
        pacing.messagesPerConnection = sender.lane.messagesPerConnection
        limit(connections: sender.lane.connectionRate)
        idleTime = TimeAmount(sender.lane.idleTimeout)
        tls = sender.tls
        chunking = sender.chunking
        port = sender.port
    }

    func overridden(by route: RouteConfiguration) -> LaneSettings {
        var settings = self
        if let connections = route.connections {
            settings.pacing.ceiling = connections
            settings.pacing.start = min(settings.pacing.start, connections)
        }
        if let messages = route.messagesPerConnection { settings.pacing.messagesPerConnection = messages }
        switch route.connectionRate {
        case .unlimited: settings.limit(connections: nil)
        case .limited(let rate): settings.limit(connections: rate)
        case nil:
            switch route.action {
            case .relay, .lmtp, .maildir: settings.unlimitConnections()
            case .discard, .mx: break
            }
        }
        settings.pool = route.pool
        settings.tls = route.tls ?? tls
        settings.chunking = route.chunking ?? chunking
        switch route.action {
        case .lmtp: settings.port = Router.portOfLMTP
        // Nothing is won by a new thread now and then.
        case .maildir: settings.pacing.messagesPerConnection = .max
        case .relay, .mx, .discard: break
        }
        if let port = route.port { settings.port = port }
        return settings
    }

    /// Hosts that the operator names are his own: the default rate is for strangers.
    mutating func unlimitConnections() { limit(connections: nil) }

    private mutating func limit(connections rate: Rate?) {
        pacing.connections = rate?.count
        if let rate { pacing.connectionWindow = rate.unit.duration }
    }
}
