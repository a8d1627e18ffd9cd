package import MailModel

/// A host that takes mail for a destination.
package struct MailHost: Equatable, Sendable {
    /// As the MX names it, in lower case; an address literal with its brackets.
    package var name: String
    package var preference: UInt16
    /// IPv4 before IPv6; 1 to 16.
    package var addresses: [IPAddress]
    /// Its name, where it came from an MX, and its addresses are proven by DNSSEC.
    package var authenticated: Bool

    package init(name: String, preference: UInt16, addresses: [IPAddress], authenticated: Bool) {
        self.name = name
        self.preference = preference
        self.addresses = addresses
        self.authenticated = authenticated
    }
}

/// Where mail for a destination goes (RFC 5321 §5.1): shared by all who ask, so in a fixed order; see `ordered`.
package struct MailHosts: Equatable, Sendable {
    /// By preference, then by name; 1 to 20.
    package var hosts: [MailHost]
    /// Name of the MX set, those without addresses included: destinations with the same one share it (see `SiteName`).
    package var siteName: String
    /// There is no MX: the destination is its own host.
    package var isImplicit: Bool

    package init(hosts: [MailHost], siteName: String, isImplicit: Bool) {
        self.hosts = hosts
        self.siteName = siteName
        self.isImplicit = isImplicit
    }

    /// The order of one attempt: hosts of equal preference shuffled, as RFC 5321 §5.1 demands, and the addresses of
    /// each host within their family.
    package func ordered(using random: inout some RandomNumberGenerator) -> [MailHost] {
        var result = hosts
        var start = 0
        while start < result.count {
            let preference = result[start].preference
            let end = result[start...].firstIndex { $0.preference != preference } ?? result.count
            result[start..<end].shuffle(using: &random)
            start = end
        }
        for index in result.indices where result[index].addresses.count > 1 {
            let firstV6 = result[index].addresses.partition { $0.isIPv6 }
            result[index].addresses[..<firstV6].shuffle(using: &random)
            result[index].addresses[firstV6...].shuffle(using: &random)
        }
        return result
    }
}

/// No host to connect to, and why.
package struct LookupError: Error, Equatable, CustomStringConvertible {
    package var failure: Failure.LookupFailure
    /// For people: names and causes.
    package var text: String

    package init(_ failure: Failure.LookupFailure, _ text: String) { (self.failure, self.text) = (failure, text) }

    package var description: String { "\(text) (\(failure.rawValue))" }
}

package typealias MailHostsAnswer = Result<MailHosts, LookupError>
