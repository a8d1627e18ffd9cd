/// What the resolver is told at its start; it does not change afterwards.
package struct DNSConfiguration: Sendable {
    /// Forwarders, as `address` or `address@port`. Without any, those of `resolvConf`; without those, recursion from
    /// the root servers.
    package var servers: [String]
    package var resolvConf = "/etc/resolv.conf"
    /// Addresses of hosts given by name; it has no say in MX lookups.
    package var hostsFile = "/etc/hosts"
    /// File of DS or DNSKEY records that DNSSEC validation starts from; `nil` turns validation off, and nothing is
    /// `authenticated` then.
    package var trustAnchors: String?
    /// How long one query may take before its answer is `temporary`.
    package var queryLimit: Duration
    /// Host lists kept, found or not.
    package var cacheEntries: Int

    /// Where Debian's `dns-root-data` keeps the keys of the root.
    package static let rootTrustAnchors = "/usr/share/dns/root.key"

    package init(
        servers: [String] = [], trustAnchors: String? = nil, queryLimit: Duration = .seconds(10),
        cacheEntries: Int = 100_000
    ) {
        self.servers = servers
        self.trustAnchors = trustAnchors
        self.queryLimit = queryLimit
        self.cacheEntries = cacheEntries
    }
}

/// Why a resolver could not be made. Lookups never throw it: what they find is a value.
package struct ResolverError: Error, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// A server or trust anchor that cannot be read.
        case configuration
        /// No memory, thread or descriptor.
        case resources
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }

    package var description: String { "\(message) (\(code.rawValue))" }
}
