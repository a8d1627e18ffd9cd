internal import Glibc
package import NIOCore

/// Address of a host, without port or scope.
package enum IPAddress: Hashable, Sendable {
    /// In host byte order: 127.0.0.1 is 0x7F000001.
    case v4(UInt32)
    case v6(high: UInt64, low: UInt64)

    package var isIPv6: Bool {
        if case .v6 = self { true } else { false }
    }

    /// The IPv4 address that an IPv6 one stands for (RFC 4291 §2.5.5.2), so that rules for IPv4 networks hold whatever
    /// kind of socket took a connection; any other as it is.
    package var unmapped: IPAddress {
        guard case .v6(high: 0, let low) = self, low >> 32 == 0xFFFF else { return self }
        return .v4(UInt32(truncatingIfNeeded: low))
    }

    package var isUnspecified: Bool { self == .v4(0) || self == .v6(high: 0, low: 0) }
    package var isLoopback: Bool { AddressRange.loopback.contains { $0.contains(self) } }

    /// Whether a connection to it can mean one host: neither unspecified, multicast nor broadcast,
    /// nor an IPv4 address in the clothes of IPv6 (RFC 4291 §2.5.5.2).
    package var isHostAddress: Bool {
        switch self {
        case .v4(let value): value >> 24 != 0 && value >> 28 < 14
        case .v6(let high, let low): high >> 56 != 0xFF && (high != 0 || (low != 0 && low >> 32 != 0xFFFF))
        }
    }

    /// The network of the address: all but the first `prefix` bits are 0. Longer prefixes leave it as it is.
    package func network(prefix: Int) -> IPAddress {
        func mask(_ bits: Int) -> UInt64 { bits <= 0 ? 0 : bits >= 64 ? .max : ~(.max >> UInt64(bits)) }
        return switch self {
        case .v4(let value): .v4(value & UInt32(truncatingIfNeeded: mask(prefix + 32)))
        case .v6(let high, let low): .v6(high: high & mask(prefix), low: low & mask(prefix - 64))
        }
    }

    package func socketAddress(port: UInt16) -> SocketAddress {
        var packed = ByteBuffer()
        switch self {
        case .v4(let value): packed.writeInteger(value)
        case .v6(let high, let low): packed.writeMultipleIntegers(high, low)
        }
        do {
            return try SocketAddress(packedIPAddress: packed, port: Int(port))
        } catch {
            preconditionFailure("\(packed.readableBytes) bytes of an address: \(error)")
        }
    }

    /// The address of a socket, `unmapped`; `nil` for Unix sockets.
    package init?(_ address: SocketAddress) {
        guard let text = address.ipAddress, let read = IPAddress(text) else { return nil }
        self = read.unmapped
    }

    /// - Parameter octets: 4 or 16 in network order, as in A and AAAA records.
    package init?(octets: [UInt8]) {
        func word(_ range: Range<Int>) -> UInt64 { octets[range].reduce(0) { $0 << 8 | UInt64($1) } }
        switch octets.count {
        case 4: self = .v4(UInt32(word(0..<4)))
        case 16: self = .v6(high: word(0..<8), low: word(8..<16))
        default: return nil
        }
    }
}

extension IPAddress: LosslessStringConvertible {
    /// Reads what `inet_pton` reads: dotted quads of four decimal parts, and RFC 4291 §2.2 without a scope.
    package init?(_ text: String) {
        guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 {
            self.init(octets: Array(bytes[..<4]))
        } else if inet_pton(AF_INET6, text, &bytes) == 1 {
            self.init(octets: bytes)
        } else {
            return nil
        }
    }

    /// - Parameter literal: With its brackets, as in `[192.0.2.1]` and `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3).
    package init?(literal: String) {
        guard literal.utf8.first == UInt8(ascii: "["), literal.utf8.last == UInt8(ascii: "]") else { return nil }
        let inner = literal.dropFirst().dropLast()
        if inner.lowercased().hasPrefix("ipv6:") {
            guard let address = IPAddress(String(inner.dropFirst(5))), address.isIPv6 else { return nil }
            self = address
        } else {
            guard let address = IPAddress(String(inner)), !address.isIPv6 else { return nil }
            self = address
        }
    }

    package var description: String {
        switch self {
        case .v4(let value): "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
        case .v6: socketAddress(port: 0).ipAddress ?? ""
        }
    }
}
