internal import MailModel

/// Keys of listeners behind balancers and of what single clients may do.
extension ConfigurationTable {
    static let proxyProtocol = ConfigurationSection<ProxyProtocolConfiguration> {
        Field(
            "from", \.from, .list(of: believed, upTo: 1000),
            "Balancers: their connections must begin with a PROXY header, version 1 or 2, which is believed. All others "
                + "are served as themselves, and closed when they send one.")
        Field(
            "timeout", \.timeout, .duration(.milliseconds(100)...(.seconds(60))),
            "Wait for the header; then the connection is closed.")
    }

    static let xclient = ConfigurationSection<XCLIENTConfiguration> {
        Field(
            "from", \.from, .list(of: believed, upTo: 1000),
            "Hosts that may say whom they speak for with XCLIENT (Postfix's XCLIENT_README). A LOGIN they name may relay."
        )
    }

    static let clientLimits = ConfigurationSection<ClientLimitsConfiguration> {
        Field("connection_rate", \.connectionRate, .rate, "New connections of one client; others get 421 4.7.0.")
        Field("message_rate", \.messageRate, .rate, "Messages begun by one client; further MAIL gets 450 4.7.1.")
        Field(
            "recipient_rate", \.recipientRate, .rate, "Recipients accepted of one client; further RCPT gets 450 4.7.1.")
        Field(
            "error_rate", \.errorRate, .rate,
            "Commands and recipients of one client that are refused with 5yz; beyond that 421 4.7.0.")
        Field(
            "exempt", \.exempt, ValueKind.list(of: .addressRange).optional, default: "relay_from of the listener",
            "Clients without these limits.")
        Field(
            "ipv4_prefix", \.ipv4Prefix, .integer(8...32),
            "Bits of an IPv4 address that make a client, for connections_per_client too.")
        Field(
            "ipv6_prefix", \.ipv6Prefix, .integer(16...128),
            "Bits of an IPv6 address that make a client, for connections_per_client too.")
        Field(
            "remembered", \.remembered, .integer(1000...10_000_000),
            "Clients in memory, about 150 bytes each; beyond that those seen longest ago start anew.")
    }

    static let tarpit = ConfigurationSection<TarpitConfiguration> {
        Field(
            "after", \.after, .integer(0...10_000), "Refused commands since the last message that are answered at once."
        )
        Field(
            "delay", \.delay, .duration(.zero...(.seconds(60))),
            "Hold back further replies that long; 0s: never. Not for relay_from.")
    }

    /// A network whose word is taken; not all there are.
    private static let believed = ValueKind<AddressRange>.text(
        "a CIDR block, as 10.0.0.0/8 or 2001:db8::/32, but not of prefix 0", show: { $0.description }
    ) { text throws(Refusal) in
        let range = try AddressRange.read(text)
        guard range.prefix > 0 else { throw Refusal("would believe everybody") }
        return range
    }
}
