internal import MailModel

extension ConfigurationTable {
    static let ingress = ConfigurationSection<IngressConfiguration> {
        Field(
            "hostname", \.hostname, .domain, default: "the host's name",
            "Name in the greeting, trace fields and DSNs (RFC 5321 §4.1.1.1).")
        Field(
            "listeners", \.listeners, .list(of: .section(listener, from: { ListenerConfiguration() }), upTo: 256),
            default: "one on 127.0.0.1:2525", "Sockets that accept SMTP; an empty list accepts nothing.")
        Field(
            "domains", \.domains, .list(of: .domain, upTo: 100_000),
            "Recipient domains that any client may write to; others need relay_from.")
        Field("tables", \.tables, tables, "Tables of Postfix and Sendmail, as text; read again with a reload.")
        Field("rewrite", \.rewrite, rewrite, "Addresses of envelopes that are written otherwise from here on.")
        Field("verify", \.verify, verify, "Recipients that are asked for at the host of their domain.")
        Field("tls", \.tls, tlsDefault, "Certificate of listeners without one of their own.")
        Field(
            "size_limit", \.sizeLimit, .size(64_000...2_000_000_000),
            "Bytes of one message, announced with SIZE (RFC 1870; RFC 5321 §4.5.3.1.7 asks for at least 64 KB).")
        Field(
            "recipients_limit", \.recipientsLimit, .integer(100...100_000),
            "Recipients of one transaction (RFC 5321 §4.5.3.1.8 asks for at least 100).")
        Field("errors_limit", \.errorsLimit, .integer(1...10_000), "Refused commands before a session is closed.")
        Field("connections", \.connections, .integer(1...1_000_000), "Connections of all clients together.")
        Field("connections_per_client", \.connectionsPerClient, .integer(1...1_000_000), "Connections of one client.")
        Field("client_limits", \.clientLimits, clientLimits, "What one client may do in a time, by each node.")
        Field(
            "greet_delay", \.greetDelay, .duration(.zero...(.seconds(60))),
            "Silence before the greeting; a client that talks meanwhile gets 554. Not for relay_from, nor with TLS on "
                + "connect. Clients wait 5m (RFC 5321 §4.5.3.2.1).")
        Field("tarpit", \.tarpit, tarpit, "Slow replies for clients that err.")
        Field(
            "idle_timeout", \.idleTimeout, .duration(.seconds(1)...(.hours(1))),
            "Wait for the next command (RFC 5321 §4.5.3.2.7 asks for at least 5m).")
        Field(
            "reply_within", \.replyWithin, .duration(.seconds(1)...(.seconds(600))),
            "Longest wait for the spool before 451 to the final dot (RFC 5321 §4.5.3.2.6: clients wait 10m).")
        Field(
            "memory", \.memory, .size(1_000_000...1_000_000_000_000),
            "Content received and not yet in the spool; above it the node stops reading.")
        Field("header_limit", \.headerLimit, .size(1000...100_000_000), "Bytes of one header section.")
        Field(
            "received_limit", \.receivedLimit, .integer(10...10_000),
            "Received fields before a message counts as looping (RFC 5321 §6.3).")
        Field(
            "bare_line_feed", \.bareLineFeed, .choice,
            "LF without CR in content: refuse it, or make it CRLF; it never ends the content (RFC 5321 §2.3.8).")
        Field(
            "wish_headers", \.wishHeaders, wishHeaders, default: "none",
            "Field names of other MTAs and the X-Apus field that each stands for, as X-Job: X-Apus-Campaign.")
    }

    static let listener = ConfigurationSection<ListenerConfiguration> {
        Field("address", \.address, .listenAddress, "Where it listens.")
        Field(
            "name", \.givenName, ValueKind.identifier.optional, default: "the address", "Label in metrics and events.")
        Field(
            "relay_from", \.givenRelayFrom, ValueKind.list(of: .addressRange).optional,
            default: "[127.0.0.0/8, ::1/128] on loopback addresses, else none", "Clients that may write to any domain.")
        Field(
            "failure_dsn", \.givenFailureDSN, ValueKind.boolean.optional, default: "true with relay_from",
            "Report failures to the reverse-path (RFC 3464).")
        Field(
            "tls", \.givenTLS, ValueKind.section(listenerTLS, from: { TLSFiles() }).optional,
            default: "ingress.tls", "Certificate of this listener.")
        Field(
            "tls_on_connect", \.tlsOnConnect, .boolean,
            "TLS begins with the connection (RFC 8314 §3.3), not with STARTTLS.")
        Field("proxy_protocol", \.proxyProtocol, proxyProtocol, "Balancers in front of this listener.")
        Field("xclient", \.xclient, xclient, "Hosts that may speak for others.")
    }

    static let tlsDefault = ConfigurationSection<TLSFiles> {
        Field(
            "certificate", \.certificate, ValueKind.readableFile.optional,
            "PEM file with the chain, own certificate first.")
        Field("key", \.key, ValueKind.readableFile.optional, "PEM file with the private key.")
    }

    static let listenerTLS = ConfigurationSection<TLSFiles> {
        Field(
            "certificate", \.certificate, ValueKind.readableFile.optional,
            "PEM file with the chain, own certificate first.")
        Field("key", \.key, ValueKind.readableFile.optional, "PEM file with the private key.")
        Field("required", \.isRequired, .boolean, "Refuse mail before STARTTLS with 530 (RFC 3207 §4).")
    }

    private static let wishHeaders = ValueKind<[(String, String)]>.mapping(
        keys: fieldName, placeholder: "FIELD", to: wishName, upTo: 100
    ) { ($0.lowercased(), $1) }
    .map({ Dictionary($0) { _, later in later } }, back: { $0.map { ($0.key, $0.value) } })

    /// The name of a header field (RFC 5322 §3.6.8).
    private static let fieldName = ValueKind<String>.text("a header field name", show: { $0 }) { text throws(Refusal) in
        guard (1...100).contains(text.utf8.count), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3A }) else {
            throw Refusal("is not a header field name")
        }
        return text
    }

    private static let wishes = ["Tenant", "Campaign", "Pool", "Priority", "Lifetime"].map { "X-Apus-\($0)" }

    private static let wishName = ValueKind<String>.text(
        "one of \(wishes.joined(separator: ", ")), X-Apus-Tag-NAME", show: { $0 }
    ) { text throws(Refusal) in
        if let known = wishes.first(where: { $0.lowercased() == text.lowercased() }) { return known }
        let tag = "x-apus-tag-"
        if text.lowercased().hasPrefix(tag), ValueKind<String>.isIdentifier(String(text.dropFirst(tag.count))) {
            return "X-Apus-Tag-" + text.dropFirst(tag.count)
        }
        throw Refusal("is no wish that Apus knows")
    }
}
