package import MailModel

/// Who is at the other end of an inbound connection, and how it came to us.
package struct ClientInfo: Sendable {
    /// Without brackets or port; empty where the transport has no addresses.
    package var address = ""
    package var port = 0
    package var localAddress = ""
    package var localPort = 0
    /// Name of the listener.
    package var listener = ""
    /// Unique among the sessions of this process, and unlikely to be met elsewhere.
    package var sessionID = ""
    /// `nil` while the connection is in clear.
    package var tls: TLSFacts?
    /// May write to any domain and say how its mail is treated; for the role to set when it admits the client.
    package var isTrusted = false

    package init() {}
}
