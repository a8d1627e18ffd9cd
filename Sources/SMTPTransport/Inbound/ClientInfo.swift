package import MailModel

/// Who is at the other end of an inbound connection, and how it came to us.
package struct ClientInfo: Sendable {
    /// Without brackets or port, IPv4 never mapped into IPv6; empty where it is not known. Behind a balancer or a proxy
    /// that is believed, what that one said.
    package var address = ""
    package var port = 0
    package var localAddress = ""
    package var localPort = 0
    /// Name of the listener.
    package var listener = ""
    /// Unique among the sessions of this process, and unlikely to be met elsewhere.
    package var sessionID = ""
    /// The other end of the connection itself, whatever was said of the client.
    package var peerAddress = ""
    /// The peer passes on somebody and does not say whom: nothing may be granted for `address`.
    package var isUnknown = false
    /// XCLIENT changed what is known of the client.
    package var isOverridden = false
    /// Whom a host that may say so has authenticated (XCLIENT LOGIN).
    package var login: String?
    /// `nil` while the connection is in clear.
    package var tls: TLSFacts?
    /// May write to any domain and say how its mail is treated; for the role to set when it admits the client.
    package var isTrusted = false
    /// May speak for others with XCLIENT; for the role to set at the first admission, and kept from then on.
    package var mayOverride = false
    /// Whom the role's limits count it to; `nil` for those without limits.
    package var limitKey: IPAddress?

    /// No silence, no held-back replies: the client is trusted, or has still to say whom it speaks for.
    var isSpared: Bool { isTrusted || mayOverride && !isOverridden }

    package init() {}
}
