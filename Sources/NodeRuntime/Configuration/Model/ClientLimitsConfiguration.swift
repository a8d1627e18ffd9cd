package import MailModel

/// What one client may do in a time; `nil` rates are unlimited. Counted by each node for itself.
package struct ClientLimitsConfiguration: Equatable, Sendable {
    package var connectionRate: Rate?
    package var messageRate: Rate?
    /// Recipients that were accepted; refused ones are errors.
    package var recipientRate: Rate?
    package var errorRate: Rate?
    /// Clients without limits; those in `relay_from` of the listener where none are given.
    package var exempt: [AddressRange]?
    /// Bits of an address that make a client.
    package var ipv4Prefix = 32
    package var ipv6Prefix = 64
    /// Clients remembered; beyond that those seen longest ago are forgotten.
    package var remembered = 100_000

    package init() {}

    package var isUnlimited: Bool {
        connectionRate == nil && messageRate == nil && recipientRate == nil && errorRate == nil
    }
}

/// Replies to commands of erring clients are held back.
package struct TarpitConfiguration: Equatable, Sendable {
    /// Errors that are answered at once.
    package var after = 5
    /// Zero: no reply is held back.
    package var delay: Duration = .zero
    package init() {}
}

/// Balancers in front of a listener (proxy-protocol.txt of HAProxy).
package struct ProxyProtocolConfiguration: Equatable, Sendable {
    /// Peers whose connections have to begin with a PROXY header.
    package var from: [AddressRange] = []
    package var timeout: Duration = .seconds(5)
    package init() {}
}

/// Hosts that may speak for others (XCLIENT_README of Postfix).
package struct XCLIENTConfiguration: Equatable, Sendable {
    package var from: [AddressRange] = []
    package init() {}
}
