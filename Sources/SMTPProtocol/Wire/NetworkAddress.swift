/// An IPv4 or IPv6 address as the peers of a session name it, without storage of its own.
///
/// An IPv4 address that is mapped into IPv6 (RFC 4291 §2.5.5.2) becomes the IPv4 address it stands for, so that rules for
/// IPv4 networks hold whatever kind of socket took the connection.
package struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
    package let isIPv6: Bool
    /// The first eight octets of an IPv6 address; 0 for IPv4.
    private let high: UInt64
    /// The last eight octets of an IPv6 address, or the four of IPv4.
    private let low: UInt64

    private init(isIPv6: Bool, high: UInt64, low: UInt64) {
        let isMapped = isIPv6 && high == 0 && low >> 32 == 0xFFFF
        self.isIPv6 = isIPv6 && !isMapped
        self.high = high
        self.low = isMapped ? low & 0xFFFF_FFFF : low
    }

    /// - Parameter range: 4 or 16 octets in network order.
    init(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        precondition(range.count == 4 || range.count == 16, "length of an address")
        var (high, low) = (UInt64(0), UInt64(0))
        for index in range { (high, low) = (high << 8 | low >> 56, low << 8 | UInt64(bytes[index])) }
        self.init(isIPv6: range.count == 16, high: high, low: low)
    }

    /// The text forms of RFC 4291 §2.2 and dotted decimals without leading zeros.
    init?(text bytes: Span<UInt8>, _ range: Range<Int>) {
        if AddressLiteral.isIPv4(bytes, range) {
            guard let low = Self.dotted(bytes, range) else { return nil }
            self.init(isIPv6: false, high: 0, low: low)
        } else {
            guard range.count <= 45, AddressLiteral.isIPv6(bytes, range), let (high, low) = Self.groups(bytes, range)
            else { return nil }
            self.init(isIPv6: true, high: high, low: low)
        }
    }

    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        self.init(text: bytes.span, 0..<bytes.count)
    }

    /// The network of the address: all but the first `prefix` bits are 0. Longer prefixes leave it as it is.
    package func network(prefix: Int) -> NetworkAddress {
        guard isIPv6 else { return NetworkAddress(isIPv6: false, high: 0, low: low & Self.mask(prefix + 32)) }
        return NetworkAddress(isIPv6: true, high: high & Self.mask(prefix), low: low & Self.mask(prefix - 64))
    }

    private static func mask(_ bits: Int) -> UInt64 { bits <= 0 ? 0 : bits >= 64 ? .max : ~(.max >> UInt64(bits)) }

    /// As RFC 5952 §4 writes IPv6, which is what the rest of the system writes too.
    package var description: String {
        guard isIPv6 else { return "\(low >> 24 & 255).\(low >> 16 & 255).\(low >> 8 & 255).\(low & 255)" }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> UInt64(48 - $0 % 4 * 16)) }
        var gap = 0..<0
        var index = 0
        while index < 8 {
            var end = index
            while end < 8, groups[end] == 0 { end += 1 }
            // One group alone is not shortened, and of equal runs the first is.
            if end - index > max(1, gap.count) { gap = index..<end }
            index = max(end, index + 1)
        }
        func text(_ range: Range<Int>) -> String {
            groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        return gap.isEmpty ? text(0..<8) : text(0..<gap.lowerBound) + "::" + text(gap.upperBound..<8)
    }
}

extension NetworkAddress {
    /// - Parameter range: What `AddressLiteral.isIPv4` let through.
    /// - Returns: `nil` for leading zeros, which some read as octal numbers.
    private static func dotted(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt64? {
        var (value, field, start) = (UInt64(0), UInt64(0), range.lowerBound)
        for index in range {
            if bytes[index] == UInt8(ascii: ".") {
                (value, field, start) = (value << 8 | field, 0, index + 1)
            } else {
                guard index == start || bytes[start] != UInt8(ascii: "0") else { return nil }
                field = field * 10 + UInt64(bytes[index] - 0x30)
            }
        }
        return value << 8 | field
    }

    /// - Parameter range: What `AddressLiteral.isIPv6` let through.
    private static func groups(_ bytes: Span<UInt8>, _ range: Range<Int>) -> (high: UInt64, low: UInt64)? {
        var groups: [UInt64] = []
        var gap: Int?
        var index = range.lowerBound
        while index < range.upperBound {
            if bytes[index] == UInt8(ascii: ":") {
                index += 1
                if index < range.upperBound, bytes[index] == UInt8(ascii: ":") { gap = groups.count }
                continue
            }
            let start = index
            var value: UInt64 = 0
            while index < range.upperBound, let digit = Octet.hexadecimal(Octet.uppercased(bytes[index])) {
                (value, index) = (value << 4 | UInt64(digit), index + 1)
            }
            if index < range.upperBound, bytes[index] == UInt8(ascii: ".") {
                guard let last = dotted(bytes, start..<range.upperBound) else { return nil }
                groups += [last >> 16, last & 0xFFFF]
                break
            }
            groups.append(value)
        }
        if let gap { groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap) }
        guard groups.count == 8 else { return nil }
        return (groups[..<4].reduce(0) { $0 << 16 | $1 }, groups[4...].reduce(0) { $0 << 16 | $1 })
    }
}
