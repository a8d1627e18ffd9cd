package import MailModel

/// An address and port to listen on.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    package var address: IPAddress
    /// 0 lets the system choose; only tests and code ask for it, a file cannot.
    package var port: Int

    package init(address: IPAddress, port: Int) { (self.address, self.port) = (address, port) }

    /// Reads `127.0.0.1:2525` or `[::1]:2525`.
    package init?(_ text: String) {
        guard let value = try? ListenAddress(parsing: text) else { return nil }  // the reason is for files only
        self = value
    }

    init(parsing text: String) throws(Refusal) {
        let (host, port) = try HostPort.split(text)
        guard let address = IPAddress(host) else { throw Refusal("does not begin with an IP address") }
        guard let port else { throw Refusal("has no port") }
        self.init(address: address, port: port)
    }

    package var host: String { address.description }
    package var isLoopback: Bool { address.isLoopback }
    package var description: String { address.isIPv6 ? "[\(address)]:\(port)" : "\(address):\(port)" }
}

/// A host to connect to, by name or address; the port where it is given.
package struct HostPort: Hashable, Sendable, CustomStringConvertible {
    package enum Host: Hashable, Sendable {
        case name(Domain)
        case address(IPAddress)
    }

    package var host: Host
    package var port: Int?

    package init(host: Host, port: Int?) { (self.host, self.port) = (host, port) }

    package init(parsing text: String) throws(Refusal) {
        let (host, port) = try HostPort.split(text)
        if let address = IPAddress(host) {
            self.init(host: .address(address), port: port)
        } else if let name = Domain(normalizing: host), !name.isAddressLiteral, !HostPort.looksNumeric(name.name) {
            self.init(host: .name(name), port: port)
        } else {
            throw Refusal("is not a host name or address")
        }
    }

    /// Several of them, separated by commas.
    package static func list(_ text: String) throws(Refusal) -> [HostPort] {
        var hosts: [HostPort] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            hosts.append(try HostPort(parsing: String(part)))
        }
        return hosts
    }

    /// `localhost` or an address: no name that a resolver could lead here.
    var isLocalName: Bool {
        switch host {
        case .name(let domain): domain.name == "localhost"
        case .address: true
        }
    }

    package var description: String {
        let name =
            switch host {
            case .name(let domain): domain.name
            case .address(let address): address.isIPv6 ? "[\(address)]" : "\(address)"
            }
        return port.map { "\(name):\($0)" } ?? name
    }

    /// `10.0.0.256` is a mistyped address, not a name: no top-level domain is all digits (RFC 3696 §2).
    private static func looksNumeric(_ name: String) -> Bool {
        name.split(separator: ".").last.map { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } } ?? false
    }

    /// Splits `host:port`, `[v6]:port`, `host`, `[v6]` or a bare IPv6 address.
    static func split(_ text: String) throws(Refusal) -> (host: String, port: Int?) {
        var host = Substring(text)
        var rest: Substring = ""
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
        } else if text.utf8.count(where: { $0 == UInt8(ascii: ":") }) == 1, let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            rest = text[colon...]
        }
        guard !host.isEmpty else { throw Refusal("has no host") }
        guard !rest.isEmpty else { return (String(host), nil) }
        guard rest.hasPrefix(":"), let port = Units.digits(rest.dropFirst()), (1...65_535).contains(port) else {
            throw Refusal("has a port outside 1…65535")
        }
        return (String(host), port)
    }
}

/// A resolver: `127.0.0.1` or `127.0.0.1@5353`, as unbound writes it.
package struct NameServer: Hashable, Sendable, CustomStringConvertible {
    package var address: IPAddress
    package var port: Int

    package init(address: IPAddress, port: Int = 53) { (self.address, self.port) = (address, port) }

    package init(parsing text: String) throws(Refusal) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = IPAddress(String(parts[0])) else {
            throw Refusal("is not an IP address")
        }
        var port = 53
        if parts.count == 2 {
            guard let given = Units.digits(parts[1]), (1...65_535).contains(given) else {
                throw Refusal("has a port outside 1…65535")
            }
            port = given
        }
        self.init(address: address, port: port)
    }

    package var description: String { port == 53 ? "\(address)" : "\(address)@\(port)" }
}
