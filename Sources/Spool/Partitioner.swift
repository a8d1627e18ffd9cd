/// Partition of a key as Kafka's Java client and librdkafka's `murmur2_random` compute it.
package enum Partitioner {
    package static func partition(of key: String, count: Int) -> Int {
        var key = key
        return key.withUTF8 { Int(murmur2($0) & 0x7FFF_FFFF) % count }
    }

    /// MurmurHash2, 32 bits, with the seed of Kafka's clients.
    package static func murmur2(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        let multiplier: UInt32 = 0x5BD1_E995
        var hash: UInt32 = 0x9747_B28C ^ UInt32(truncatingIfNeeded: bytes.count)
        var index = 0
        while index + 4 <= bytes.count {
            var word =
                UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8
                | UInt32(bytes[index + 2]) << 16 | UInt32(bytes[index + 3]) << 24
            word &*= multiplier
            word ^= word >> 24
            word &*= multiplier
            hash &*= multiplier
            hash ^= word
            index += 4
        }
        let rest = bytes.count - index
        if rest > 0 {
            for offset in (0..<rest).reversed() { hash ^= UInt32(bytes[index + offset]) << UInt32(8 * offset) }
            hash &*= multiplier
        }
        hash ^= hash >> 13
        hash &*= multiplier
        hash ^= hash >> 15
        return hash
    }
}
