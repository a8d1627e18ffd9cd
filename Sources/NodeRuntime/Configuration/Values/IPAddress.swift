internal import Glibc
package import NIOCore

/// An IPv4 or IPv6 address as bytes, 4 or 16 of them.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    package let bytes: [UInt8]

    /// Reads the text forms of RFC 4291 §2.2 and dotted decimals; no brackets, zones or prefixes.
    package init?(_ text: String) {
        var v4 = in_addr()
        var v6 = in6_addr()
        if text.utf8.count <= 45, !text.utf8.contains(0) {
            if inet_pton(AF_INET, text, &v4) == 1 {
                bytes = withUnsafeBytes(of: v4) { Array($0) }
                return
            }
            if inet_pton(AF_INET6, text, &v6) == 1 {
                bytes = withUnsafeBytes(of: v6) { Array($0) }
                return
            }
        }
        return nil
    }

    /// The address of a socket; an IPv4 address mapped into IPv6 becomes IPv4 (RFC 4291 §2.5.5.2).
    package init?(_ address: SocketAddress) {
        let isIPv4 =
            switch address {
            case .v4: true
            case .v6: false
            case .unixDomainSocket: nil as Bool?
            }
        guard let isIPv4 else { return nil }
        let all = address.withSockAddr { pointer, size in
            let raw = UnsafeRawBufferPointer(start: UnsafeRawPointer(pointer), count: size)
            // Behind family, port and, for IPv6, flow label (ip(7), ipv6(7)).
            return Array(isIPv4 ? raw[4..<8] : raw[8..<24])
        }
        let isMapped = all.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF])
        bytes = isMapped ? Array(all[12...]) : all
    }

    package var isIPv6: Bool { bytes.count == 16 }
    package var isLoopback: Bool { AddressRange.loopback.contains { $0.contains(self) } }
    var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }

    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        bytes.withUnsafeBytes {
            _ = inet_ntop(isIPv6 ? AF_INET6 : AF_INET, $0.baseAddress, &text, socklen_t(text.count))
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// A block of addresses in CIDR notation (RFC 4632, RFC 4291 §2.3).
package struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    package let network: IPAddress
    package let prefix: Int

    package static let loopback = [AddressRange]([("127.0.0.0/8"), ("::1/128")].compactMap { AddressRange($0) })

    package init?(_ text: String) {
        guard let range = try? AddressRange(parsing: text) else { return nil }  // the reason is for files only
        self = range
    }

    init(parsing text: String) throws(Refusal) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let network = IPAddress(String(parts[0])) else {
            throw Refusal("is not an address block")
        }
        let width = network.bytes.count * 8
        var prefix = width
        if parts.count == 2 {
            guard let given = Units.digits(parts[1]), given <= width else {
                throw Refusal("has a prefix length outside 0…\(width)")
            }
            prefix = given
        }
        self.network = network
        self.prefix = prefix
        for bit in prefix..<width where network.bytes[bit / 8] & (0x80 >> UInt8(bit % 8)) != 0 {
            throw Refusal("has bits set behind its prefix of \(prefix)")
        }
    }

    package func contains(_ address: IPAddress) -> Bool {
        guard address.bytes.count == network.bytes.count else { return false }
        let whole = prefix / 8
        for index in 0..<whole where address.bytes[index] != network.bytes[index] { return false }
        let rest = prefix % 8
        guard rest > 0 else { return true }
        let mask = UInt8(truncatingIfNeeded: 0xFF00 >> rest)
        return address.bytes[whole] & mask == network.bytes[whole] & mask
    }

    /// `false` for Unix sockets.
    package func contains(_ address: SocketAddress) -> Bool { IPAddress(address).map(contains) ?? false }

    package var description: String { "\(network)/\(prefix)" }
}
