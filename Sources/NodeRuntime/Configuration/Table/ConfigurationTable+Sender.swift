internal import MailModel

extension ConfigurationTable {
    static let sender = ConfigurationSection<SenderConfiguration> {
        Field("port", \.port, .port, "Port of MX hosts.")
        Field(
            "sources", \.sources, sources, default: "one, unbound, with ingress.hostname",
            "Sending addresses by name; names are for pools, metrics and events.")
        Field("pools", \.pools, pools, default: "one of the unbound source", "Weighted groups of sources.")
        Field(
            "default_pool", \.defaultPool, .identifier, default: "the pool \"default\"; else the unbound source",
            "Pool of messages that ask for none.")
        Field(
            "lifetime", \.lifetime, .duration(.seconds(60)...(.days(30))),
            "Time in the queue before a recipient expires (RFC 5321 §4.5.4.1 asks for 4–5 days).")
        Field(
            "max_uncommitted", \.maxUncommitted, .integer(1...1_000_000),
            "Attempts begun whose outcome is not committed: the most that a kill can repeat.")
        Field(
            "max_queued", \.maxQueued, .integer(1000...100_000_000),
            "Messages that may wait in a node, about 180 bytes of memory each. Above it, and for one partition above a "
                + "quarter of it, mail is not read on from the spool until some are gone; ingress goes on.")
        Field(
            "commit_interval", \.commitInterval, .duration(.milliseconds(1)...(.seconds(10))),
            "Outcomes are collected for so long before they are committed.")
        Field("commit_size", \.commitSize, .integer(1...100_000), "Outcomes of one commit at most.")
        Field(
            "drain_time", \.drainTime, .duration(.zero...(.seconds(600))), "How long a stop waits for running attempts."
        )
        Field("ready", \.ready, ready, "What may wait in memory, ready to be tried; the rest is parked in the spool.")
        Field("retry", \.retry, retry, "Back-off of deferred recipients, by error class.")
        Field("lane", \.lane, lane, "Connections from one source to one site.")
        Field("dead_host", \.deadHost, deadHost, "Back-off of hosts that do not answer.")
        Field("tls", \.tls, .choice, "STARTTLS: where offered, never, or nothing without it (RFC 3207).")
        Field("chunking", \.chunking, .boolean, "BDAT in place of DATA where a host offers CHUNKING (RFC 3030).")
        Field("family", \.family, .choice, "Address families to connect with; a source has its own anyway.")
        Field("timeouts", \.timeouts, timeouts, "Waits for the peer (RFC 5321 §4.5.3.2).")
        Field(
            "recipients_per_transaction", \.recipientsPerTransaction, .integer(1...1000),
            "Recipients of one transaction (RFC 5321 §4.5.3.1.8: any host takes 100).")
        Field("dsn", \.dsn, dsn, "Delivery status notifications (RFC 3464).")
        Field(
            "bounces", \.bounces, ValueKind.file(of: bounceRules).optional, default: "none: the built-in rules alone",
            "File of rules that give failures their bounce class and severity.")
        Field("suppression", \.suppression, suppression, "The suppression list (`apus suppress`).")
        Field(
            "verp", \.verp, verp, default: "none: the message's own",
            "Pools whose mail goes to one recipient a transaction, from a reverse-path made of it. One that would be longer "
                + "than hosts take (64 octets before the @, 254 in all) is the message's own instead.")
        Field(
            "trace_tag", \.traceTag, traceTag,
            "A signed field, X-Apus-Ref, in each message that leaves (`apus trace --ref`).")
    }

    static let ready = ConfigurationSection<ReadyConfiguration> {
        Field("messages", \.messages, .integer(1...1_000_000), "Messages of one lane.")
        Field("memory", \.memory, .size(1_000_000...1_000_000_000_000), "Content of one lane.")
        Field("total_memory", \.totalMemory, .size(1_000_000...1_000_000_000_000), "Content of all lanes.")
    }

    static let lane = ConfigurationSection<LaneConfiguration> {
        Field("connections", \.connections, .integer(1...10_000), "Connections at most.")
        Field("start_connections", \.givenStartConnections, .integer(1...10_000), "Connections to begin with.")
        Field(
            "messages_per_connection", \.messagesPerConnection, .integer(1...1_000_000), "Messages before it is closed."
        )
        Field("connection_rate", \.connectionRate, .rate, "New connections.")
        Field(
            "idle_timeout", \.idleTimeout, .duration(.zero...(.seconds(600))), "How long an idle connection is kept.")
    }

    static let deadHost = ConfigurationSection<DeadHostConfiguration> {
        Field(
            "first", \.first, .duration(.seconds(1)...(.hours(24))), "Wait before the first probe; doubles from there.")
        Field("max", \.max, .duration(.seconds(1)...(.hours(24))), "Longest wait.")
    }

    static let timeouts = ConfigurationSection<SenderTimeouts> {
        Field("connect", \.connect, timeout, "For the connection.")
        Field("greeting", \.greeting, timeout, "For the greeting (RFC: 5m).")
        Field("ehlo", \.ehlo, timeout, "For the reply to EHLO and STARTTLS.")
        Field("mail", \.mail, timeout, "For the reply to MAIL (RFC: 5m).")
        Field("rcpt", \.rcpt, timeout, "For the reply to RCPT (RFC: 5m).")
        Field("data", \.data, timeout, "For the reply to DATA (RFC: 2m).")
        Field("content", \.content, timeout, "For each write of content (RFC: 3m).")
        Field("acknowledgement", \.acknowledgement, timeout, "For the reply to the final dot (RFC: 10m).")
    }

    private static let timeout = ValueKind<Duration>.duration(.milliseconds(100)...(.hours(1)))

    static let dsn = ConfigurationSection<DSNConfiguration> {
        Field("from", \.from, localPart, "Local part of the author, at ingress.hostname.")
        Field("return", \.return, .choice, "What of the message comes back where RET was not given (RFC 3461 §4.3).")
        Field(
            "delay", \.delay, .noneOr(.duration(.seconds(1)...(.days(30)))),
            "Time in the queue after which the originator is told, once a recipient, that the message waits (RFC 3464)."
        )
        Field(
            "delay_for", \.delayFor, .choice,
            "Whose: requested is NOTIFY=DELAY alone; personal also recipients without NOTIFY of mail without a "
                + "campaign; all also those of campaigns. A NOTIFY without DELAY always means none.")
    }

    /// A dot-string (RFC 5321 §4.1.2) in ASCII.
    private static let localPart = ValueKind<String>.text("a local part, as mailer-daemon", show: { $0 }) {
        text throws(Refusal) in
        let atoms = text.split(separator: ".", omittingEmptySubsequences: false)
        let special = "!#$%&'*+-/=?^_`{|}~"
        guard text.utf8.count <= 64, atoms.allSatisfy({ !$0.isEmpty }),
            atoms.joined().utf8.allSatisfy({ $0 < 0x80 && (isAlphanumeric($0) || special.utf8.contains($0)) })
        else { throw Refusal("is not a local part") }
        return text
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private struct SourceEntry: Sendable {
        var address: IPAddress?
        var ehlo: Domain?
    }

    private static let sources = ValueKind<[SourceConfiguration]>.mapping(
        keys: .identifier, placeholder: "SOURCE", to: .section(source, from: { SourceEntry() })
    ) { name, entry in SourceConfiguration(name: name, address: entry.address, ehlo: entry.ehlo ?? unsetName) }

    /// Stands for `ingress.hostname` until all is read; no file can write it.
    static let unsetName = Domain(canonical: "")

    private static let source = ConfigurationSection<SourceEntry> {
        Field("address", \.address, ValueKind.address.optional, required: true, "Address that connections come from.")
        Field("ehlo", \.ehlo, ValueKind.domain.optional, default: "ingress.hostname", "Name given with EHLO.")
    }

    private static let pools = ValueKind<[PoolConfiguration]>.mapping(
        keys: .identifier, placeholder: "POOL", to: weights
    ) { PoolConfiguration(name: $0, members: $1) }

    private static let weights = ValueKind<[PoolConfiguration.Member]>.mapping(
        keys: .identifier, placeholder: "SOURCE", to: .integer(0...1_000_000)
    ) { PoolConfiguration.Member(source: $0, weight: $1) }
}
