package import MailModel

/// How mail comes in.
package struct IngressConfiguration: Equatable, Sendable {
    /// Name in the greeting, in trace fields and in DSNs (RFC 5321 §4.1.1.1).
    package var hostname: Domain
    package var listeners = [ListenerConfiguration()]
    /// Recipient domains that anybody may write to; others need a client in `relayFrom`.
    package var domains: [Domain] = []
    package var tables = TablesConfiguration()
    package var rewrite = RewriteConfiguration()
    package var verify = VerifyConfiguration()
    package var tls = TLSFiles()
    /// Bytes of one message; announced with SIZE (RFC 1870).
    package var sizeLimit = 50_000_000
    /// Recipients of one transaction; RFC 5321 §4.5.3.1.8 asks for at least 100.
    package var recipientsLimit = 1000
    /// Commands refused in one session before it is closed.
    package var errorsLimit = 20
    package var connections = 10_000
    package var connectionsPerClient = 1000
    package var clientLimits = ClientLimitsConfiguration()
    /// Silence before the greeting; who talks meanwhile is refused.
    package var greetDelay: Duration = .zero
    package var tarpit = TarpitConfiguration()
    /// RFC 5321 §4.5.3.2.7 asks for at least 5 minutes.
    package var idleTimeout: Duration = .seconds(300)
    /// How long the reply to the final dot may wait for the spool.
    package var replyWithin: Duration = .seconds(120)
    /// Bytes of content received and not yet in the spool; above it the node stops reading.
    package var memory = 256_000_000
    /// Bytes of one header section.
    package var headerLimit = 1_000_000
    /// `Received` fields before a message counts as looping (RFC 5321 §6.3).
    package var receivedLimit = 100
    package var bareLineFeed = BareLineFeedPolicy.reject
    /// Field names of other MTAs, in lower case, and the `X-Apus-…` name that each stands for.
    package var wishHeaders: [String: String] = [:]

    package init(hostname: Domain) { self.hostname = hostname }
}

package enum BareLineFeedPolicy: String, Sendable, CaseIterable { case reject, convert }

/// Certificate chain and private key, as paths of PEM files; either may be missing until all is read.
package struct TLSFiles: Equatable, Sendable {
    package var certificate: String?
    package var key: String?
    package var isRequired = false
    package init() {}
}

/// TLS of a listener.
package struct ServerTLSConfiguration: Equatable, Sendable {
    package var certificate: String
    package var key: String
    /// Mail is refused with 530 until STARTTLS was given (RFC 3207 §4).
    package var isRequired: Bool

    package init(certificate: String, key: String, isRequired: Bool = false) {
        (self.certificate, self.key, self.isRequired) = (certificate, key, isRequired)
    }
}

/// One socket that accepts SMTP.
package struct ListenerConfiguration: Equatable, Sendable {
    package var address = ListenAddress(address: IPAddress("127.0.0.1")!, port: 2525)
    /// Label in metrics and events; the address where none is given.
    package var name: String {
        get { givenName ?? address.description }
        set { givenName = newValue }
    }
    /// Clients that may write to any domain. Loopback clients on a loopback listener, else none, unless given.
    package var relayFrom: [AddressRange] {
        get { givenRelayFrom ?? (address.isLoopback ? AddressRange.loopback : []) }
        set { givenRelayFrom = newValue }
    }
    /// Whether failures of mail taken here are reported to the reverse-path.
    package var sendsFailureDSN: Bool {
        get { givenFailureDSN ?? !relayFrom.isEmpty }
        set { givenFailureDSN = newValue }
    }
    /// `nil` without a certificate, own or of `ingress.tls`.
    package var tls: ServerTLSConfiguration?
    /// TLS begins with the connection (RFC 8314 §3.3).
    package var tlsOnConnect = false
    package var proxyProtocol = ProxyProtocolConfiguration()
    package var xclient = XCLIENTConfiguration()

    var givenName: String?
    var givenRelayFrom: [AddressRange]?
    var givenFailureDSN: Bool?
    var givenTLS: TLSFiles?

    package init() {}
    package init(address: ListenAddress) { self.address = address }
}
