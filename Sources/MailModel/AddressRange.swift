package import NIOCore

/// A block of addresses in CIDR notation (RFC 4632, RFC 4291 §2.3).
package struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    package let network: IPAddress
    package let prefix: Int

    package static let loopback = [
        AddressRange(network: .v4(0x7F00_0000), prefix: 8), AddressRange(network: .v6(high: 0, low: 1), prefix: 128),
    ]

    private init(network: IPAddress, prefix: Int) { (self.network, self.prefix) = (network, prefix) }

    /// Reads `address/prefix`; an address alone is a block of one.
    package init(parsing text: String) throws(AddressRangeError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let network = IPAddress(String(parts[0])) else { throw .syntax }
        let width = network.isIPv6 ? 128 : 32
        var prefix = width
        if parts.count == 2 {
            let isNumber =
                (1...3).contains(parts[1].utf8.count) && parts[1].utf8.allSatisfy { (0x30...0x39).contains($0) }
            guard isNumber, let given = Int(parts[1]), given <= width else { throw .prefix(width: width) }
            prefix = given
        }
        guard network.network(prefix: prefix) == network else { throw .bitsBehindPrefix(prefix) }
        self.init(network: network, prefix: prefix)
    }

    /// - Returns: `nil` where the text is no block.
    package init?(_ text: String) {
        guard let range = try? AddressRange(parsing: text) else { return nil }  // who wants the reason parses
        self = range
    }

    package func contains(_ address: IPAddress) -> Bool {
        address.isIPv6 == network.isIPv6 && address.network(prefix: prefix) == network
    }

    /// `false` for Unix sockets.
    package func contains(_ address: SocketAddress) -> Bool { IPAddress(address).map(contains) ?? false }

    package var description: String { "\(network)/\(prefix)" }
}

/// Why a text is no block of addresses, as the end of a sentence that begins with it.
package enum AddressRangeError: Error, Equatable, CustomStringConvertible {
    case syntax
    case prefix(width: Int)
    case bitsBehindPrefix(Int)

    package var description: String {
        switch self {
        case .syntax: "is not an address block"
        case .prefix(let width): "has a prefix length outside 0…\(width)"
        case .bitsBehindPrefix(let prefix): "has bits set behind its prefix of \(prefix)"
        }
    }
}
