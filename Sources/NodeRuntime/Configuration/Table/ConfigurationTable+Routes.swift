internal import DeliveryPolicy
internal import MailModel

extension ConfigurationTable {
    private struct RouteEntry: Sendable {
        var relay: [HostPort]?
        var lmtp: [HostOrSocket]?
        var maildir: MaildirTemplate?
        var creates: Bool?
        var discards: Bool?
        /// `.some(nil)` is `mx: true`.
        var mx: Domain??
        var template = RouteConfiguration(pattern: .any, action: .discard)

        var actions: [RouteConfiguration.Action] {
            var all: [RouteConfiguration.Action] = []
            if let relay { all.append(.relay(relay)) }
            if let lmtp { all.append(.lmtp(lmtp)) }
            if let maildir { all.append(.maildir(MaildirConfiguration(template: maildir, creates: creates ?? true))) }
            if discards == true { all.append(.discard) }
            if let mx { all.append(.mx(mx)) }
            return all
        }
    }

    static let routes = ValueKind<[RouteConfiguration]>.mapping(
        keys: routePattern, placeholder: "PATTERN", to: route, upTo: 50_000
    ) { pattern, entry in
        var route = entry
        route.pattern = pattern
        return route
    }

    private static let routePattern = ValueKind<RoutePattern>.text(
        "a domain, \"*.domain\" or \"*\"", show: { $0.description }
    ) { text throws(Refusal) in try RoutePattern.parse(text) }

    private static let routeKeys = ConfigurationSection<RouteEntry> {
        Field(
            "relay", \.relay, ValueKind.oneOrMore(hostPort).optional, "Hosts that take the mail, tried in this order.")
        Field(
            "lmtp", \.lmtp, ValueKind.oneOrMore(lmtpHost).optional,
            "Servers of LMTP that take the mail (RFC 2033), tried in this order.")
        Field(
            "maildir", \.maildir, maildir.optional,
            "Maildirs on this machine. What is before the first placeholder, or around a path without one, must exist.")
        Field(
            "create", \.creates, ValueKind.boolean.optional, default: "true",
            "Make a Maildir that is missing: every address then has a mailbox. Else its mail waits.")
        Field("discard", \.discards, onlyTrue.optional, "Throw the mail away, with a delivered event.")
        Field("mx", \.mx, mx.optional, "true: by MX; a domain: by the MX of that one.")
        Field(
            "pool", \.template.pool, ValueKind.identifier.optional, default: "as the message asks", "Pool to send from."
        )
        Field("tls", \.template.tls, ValueKind.choice.optional, default: "sender.tls", "STARTTLS.")
        Field(
            "chunking", \.template.chunking, ValueKind.boolean.optional, default: "sender.chunking",
            "BDAT in place of DATA where a host offers CHUNKING (RFC 3030).")
        Field(
            "connections", \.template.connections, ValueKind.integer(1...10_000).optional,
            default: "sender.lane.connections",
            "Connections of a lane at most; of maildir, messages written at the same time.")
        Field(
            "messages_per_connection", \.template.messagesPerConnection, ValueKind.integer(1...1_000_000).optional,
            default: "sender.lane.messages_per_connection", "Messages before a connection is closed.")
        Field(
            "connection_rate", \.template.connectionRate, rateOverride,
            default: "sender.lane.connection_rate; to hosts of relay and lmtp unlimited",
            "New connections of a lane.")
        Field(
            "port", \.template.port, ValueKind.port.optional, default: "sender.port; of lmtp 24",
            "Port of hosts that name none.")
    }

    private static let route: ValueKind<RouteConfiguration> = {
        let section = ValueKind<RouteEntry>.section(routeKeys, from: { RouteEntry() })
        return ValueKind(
            allowed: section.allowed, schema: section.schema,
            read: { node, reader in
                let before = reader.issues.count
                guard let entry = section.read(node, reader), reader.issues.count == before else { return nil }
                guard entry.actions.count == 1, let action = entry.actions.first else {
                    reader.report(
                        key: reader.currentPath,
                        "has \(entry.actions.count) destinations; allowed: exactly one of relay, lmtp, maildir, discard, mx"
                    )
                    return nil
                }
                var route = entry.template
                route.action = action
                return route
            }, show: { _ in nil }, rows: section.rows)
    }()

    static let hostPort = ValueKind<HostPort>.text(
        "host:port or host, as 127.0.0.1:2600 or mail.example.org", show: { $0.description }
    ) { text throws(Refusal) in try HostPort(parsing: text) }

    private static let lmtpHost = ValueKind<HostOrSocket>.text(
        "host:port, host or unix:/path, as 127.0.0.1:24 or unix:/run/dovecot/lmtp", show: { $0.description }
    ) { text throws(Refusal) in
        let host = try HostOrSocket(parsing: text)
        if case .network(let host) = host, host.port == 25 {
            throw Refusal("names port 25, which is not for LMTP (RFC 2033 §5)")
        }
        return host
    }

    private static let maildir = ValueKind<MaildirTemplate>.text(
        "an absolute path, in which {domain}, {local} and {user} stand for parts of the address",
        show: { $0.description }
    ) { text throws(Refusal) in
        do throws(MaildirTemplate.Refusal) {
            return try MaildirTemplate(parsing: text)
        } catch {
            throw Refusal(error.reason)
        }
    }

    static let onlyTrue = ValueKind<Bool>.scalar(
        "true", schema: .object(["const": .boolean(true)]), show: { "\($0)" }
    ) { scalar throws(Refusal) in
        guard scalar.isPlain, scalar.text == "true" else { throw Refusal("is not true; leave the key out instead") }
        return true
    }

    private static let mx = ValueKind<Domain?>.scalar(
        "true or a domain",
        schema: .object([
            "anyOf": .array([.object(["const": .boolean(true)]), .object(["type": .string("string")])])
        ]), show: { $0?.name }
    ) { scalar throws(Refusal) in
        if scalar.isPlain, scalar.text == "true" { return nil }
        guard scalar.text != "false", let domain = Domain(normalizing: scalar.text), !domain.isAddressLiteral else {
            throw Refusal("is neither true nor a domain")
        }
        return domain
    }

    private static let rateOverride = ValueKind<Rate?>.rate.map(
        { RateOverride?.some($0.map { .limited($0) } ?? .unlimited) }, back: { _ in nil })
}
