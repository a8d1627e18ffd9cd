internal import MailModel

/// Every key there is. Parser, checks, JSON Schema and reference are all made from these tables.
enum ConfigurationTable {
    static let node = ConfigurationSection<NodeConfiguration> {
        Field("node", \.node, .identifier, default: "the host's name", "Name of the node, unique in the cluster.")
        Field(
            "event_loops", \.eventLoops, ValueKind.integer(1...256).optional,
            default: "as many as processors less one, at least 1",
            "Threads that serve connections. One processor is left to the spool and the kernel.")
        Field("spool", \.spool, spool, "Where mail is kept between ingress and sender.")
        Field("ingress", \.ingress, ingress, "How mail comes in.")
        Field("sender", \.sender, sender, "How mail goes out.")
        Field(
            "routes", \.routes.entries, routes, default: "none: by MX",
            "Exceptions to delivery by MX. The first pattern that matches decides.")
        Field(
            "transport", \.transport, tableFiles, default: "none",
            "Tables of transport(5) or mailertables, asked where no route matches; read again with a reload. Limits are "
                + "those of ingress.tables.")
        Field("dns", \.dns, dns, "The resolver.")
        Field("http", \.http, http, "Where the node answers its operators.")
        Field("log", \.log, log, "What is written to standard error.")
    }

    static let spool = ConfigurationSection<SpoolConfiguration> {
        Field("local", \.local, localSpool, "The embedded spool of a single node.")
    }

    static let localSpool = ConfigurationSection<SpoolDirectoryConfiguration> {
        Field("directory", \.directory, .path, "Directory of the spool; one process uses it at a time.")
        Field(
            "keep_delivered", \.keepDelivered, .duration(.zero...(.days(365))),
            "How long the content of finished messages stays for replay.")
        Field("keep_events", \.keepEvents, .duration(.seconds(60)...(.days(3650))), "How long delivery events stay.")
        Field("partitions", \.partitions, .integer(1...4096), "Partitions of the spool; fixed when it is made.")
    }

    static let dns = ConfigurationSection<DNSConfiguration> {
        Field(
            "servers", \.servers, .list(of: .nameServer, upTo: 32), default: "those of /etc/resolv.conf",
            "Resolvers to ask.")
        Field("timeout", \.timeout, .duration(.milliseconds(100)...(.seconds(120))), "Longest wait for an answer.")
        Field("cache_size", \.cacheSize, .integer(0...10_000_000), "Answers kept.")
    }

    static let http = ConfigurationSection<HTTPConfiguration> {
        Field(
            "address", \.address, .noneOr(.listenAddress),
            "TCP address for reads. Writes need the socket or a token; so do reads elsewhere than on loopback.")
        Field("socket", \.socket, .noneOr(.path), "Unix socket, mode 0600, for reads and writes.")
        Field(
            "token_file", \.tokenFile, ValueKind.readableFile.optional,
            "File with the bearer token, 16 bytes or more (RFC 6750).")
    }

    static let log = ConfigurationSection<LogConfiguration> {
        Field("level", \.level, .choice, "Least important level that is written; addresses show from debug on.")
        Field("format", \.format, .choice, "Lines for people, or one JSON object a line.")
    }

    static let referenceSections: [ReferenceRow] = node.rows(prefix: "", documented)
    static var schemaText: String { ConfigurationOutput.schema(node.schema(documented)) }
    static var referenceText: String { ConfigurationOutput.reference(referenceSections) }

    /// Defaults as the reference shows them, the same on every host.
    private static let documented = NodeConfiguration(hostName: Domain(canonical: "localhost"))
}

extension Duration {
    static func hours(_ count: Int) -> Duration { .seconds(count * 3600) }
    static func days(_ count: Int) -> Duration { .seconds(count * 86_400) }
}

extension ValueKind where Value == ListenAddress {
    static var listenAddress: ValueKind {
        .text("address:port, as 127.0.0.1:2525 or [::1]:2525", show: { $0.description }) { text throws(Refusal) in
            try ListenAddress(parsing: text)
        }
    }
}

extension ValueKind where Value == IPAddress {
    static var address: ValueKind {
        .text("an IP address, as 192.0.2.1 or 2001:db8::1", show: { $0.description }) { text throws(Refusal) in
            guard let address = IPAddress(text) else { throw Refusal("is not an IP address") }
            guard !address.isUnspecified else { throw Refusal("is the unspecified address") }
            return address
        }
    }
}

extension ValueKind where Value == AddressRange {
    static var addressRange: ValueKind {
        .text("a CIDR block, as 10.0.0.0/8 or 2001:db8::/32", show: { $0.description }) { text throws(Refusal) in
            try AddressRange.read(text)
        }
    }
}

extension AddressRange {
    static func read(_ text: String) throws(Refusal) -> AddressRange {
        do throws(AddressRangeError) { return try AddressRange(parsing: text) } catch {
            throw Refusal(error.description)
        }
    }
}

extension ValueKind where Value == NameServer {
    static var nameServer: ValueKind {
        .text("an IP address, as 127.0.0.1 or 127.0.0.1@5353", show: { $0.description }) { text throws(Refusal) in
            try NameServer(parsing: text)
        }
    }
}

extension ValueKind {
    /// `none`, or what another kind takes.
    static func noneOr<Wrapped>(_ kind: ValueKind<Wrapped>) -> ValueKind where Value == Wrapped? {
        ValueKind(
            allowed: kind.allowed + ", or none", schema: kind.schema,
            read: { node, reader in
                node.scalarText == "none" ? .some(nil) : kind.read(node, reader).map { .some($0) }
            }, show: { $0.map(kind.show) ?? "none" })
    }
}
