/// Identity of a message inside Apus: a ULID, 48 bits of milliseconds and 80 random bits.
///
/// Its text is 26 characters of Crockford's base 32, so that text order is time order.
package struct QueueID: Hashable, Comparable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

    package init(time: Timestamp, using random: inout some RandomNumberGenerator) {
        let entropy = random.next()
        high = UInt64(bitPattern: time.milliseconds) << 16 | entropy & 0xFFFF
        low = random.next()
    }

    package var time: Timestamp { Timestamp(milliseconds: Int64(high >> 16)) }

    package static func < (a: QueueID, b: QueueID) -> Bool { (a.high, a.low) < (b.high, b.low) }
}

extension QueueID: LosslessStringConvertible {
    private static let alphabet: [UInt8] = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    package var description: String {
        String(unsafeUninitializedCapacity: 26) { out in
            var value = UInt128(high) << 64 | UInt128(low)
            for index in stride(from: 25, through: 0, by: -1) {
                out[index] = Self.alphabet[Int(truncatingIfNeeded: value & 31)]
                value >>= 5
            }
            return 26
        }
    }

    /// - Parameter text: 26 characters, either case; `I` and `L` read as 1, `O` as 0, as Crockford has it.
    package init?(_ text: String) {
        guard text.utf8.count == 26 else { return nil }
        var value: UInt128 = 0
        for (index, byte) in text.utf8.enumerated() {
            guard let digit = Self.digit(byte), index > 0 || digit < 8 else { return nil }
            value = value << 5 | UInt128(digit)
        }
        self.init(high: UInt64(truncatingIfNeeded: value >> 64), low: UInt64(truncatingIfNeeded: value))
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        let upper = byte >= 0x61 && byte <= 0x7A ? byte - 0x20 : byte
        switch upper {
        case UInt8(ascii: "O"): return 0
        case UInt8(ascii: "I"), UInt8(ascii: "L"): return 1
        default: return alphabet.firstIndex(of: upper).map { UInt8($0) }
        }
    }
}
