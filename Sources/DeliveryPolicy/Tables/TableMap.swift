/// Keys and values of a table in few allocations: a million entries are to cost little more than their octets.
///
/// All octets lie in one array, found by open addressing. Keys are looked up as they are: whoever fills and asks the
/// table folds their case.
package struct TableMap: Sendable, Equatable {
    /// Octets of all entries; offsets are of 32 bits.
    package static let byteLimit = 1 << 30
    private static let headSize = 6

    /// For each entry: length of the key (2 octets), of the value (4), key, value.
    private var bytes: [UInt8] = []
    /// Offsets in `bytes`, plus 1; 0 is free. A power of two.
    private var slots: [UInt32] = []
    package private(set) var count = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }

    /// Room for the entries of so long a text: growing step by step would take twice as much for a moment.
    package mutating func reserve(textCount: Int) {
        bytes.reserveCapacity(min(textCount + textCount / 4, Self.byteLimit))
    }

    /// - Returns: `false` where the key is there already, or there is no room: nothing was changed.
    package mutating func insert(_ key: String, _ value: String) -> Bool { insert(key.utf8.span, value.utf8.span) }

    private mutating func insert(_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        let (keyCount, valueCount) = (key.count, value.count)
        guard keyCount <= UInt16.max, bytes.count + Self.headSize + keyCount + valueCount <= Self.byteLimit else {
            return false
        }
        if (count + 1) * 4 > slots.count * 3 { grow() }
        guard case .free(let slot) = find(key) else { return false }
        let start = bytes.count
        for shift in [0, 8] { bytes.append(UInt8(truncatingIfNeeded: keyCount >> shift)) }
        for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: valueCount >> shift)) }
        key.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
        value.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
        slots[slot] = UInt32(start + 1)
        count += 1
        return true
    }

    package subscript(_ key: String) -> String? {
        guard count > 0, case .found(let start) = find(key.utf8.span) else { return nil }
        return String(decoding: value(at: start), as: UTF8.self)
    }

    package func contains(_ key: String) -> Bool {
        guard count > 0, case .found = find(key.utf8.span) else { return false }
        return true
    }

    /// Room that growing left over is given back.
    package mutating func shrink() {
        guard bytes.capacity > bytes.count + bytes.count / 8 else { return }
        bytes = Array(unsafeUninitializedCapacity: bytes.count) { buffer, count in
            count = bytes.count
            _ = buffer.initialize(from: bytes)
        }
    }

    private enum Place { case found(Int), free(Int) }

    private func find(_ key: Span<UInt8>) -> Place {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: Self.hash(key)) & mask
        while true {
            guard slots[slot] != 0 else { return .free(slot) }
            let start = Int(slots[slot]) - 1
            if isKey(key, at: start) { return .found(start) }
            slot = (slot + 1) & mask
        }
    }

    private func keyCount(at start: Int) -> Int { Int(bytes[start]) | Int(bytes[start + 1]) << 8 }

    private func isKey(_ key: Span<UInt8>, at start: Int) -> Bool {
        guard keyCount(at: start) == key.count else { return false }
        var index = start + Self.headSize
        for place in key.indices {
            guard bytes[index] == key[place] else { return false }
            index += 1
        }
        return true
    }

    private func value(at start: Int) -> ArraySlice<UInt8> {
        let first = start + Self.headSize + keyCount(at: start)
        let length = (0..<4).reduce(0) { $0 | Int(bytes[start + 2 + $1]) << ($1 * 8) }
        return bytes[first..<first + length]
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: 0, count: max(16, old.count * 2))
        let mask = slots.count - 1
        for offset in old where offset != 0 {
            let start = Int(offset) - 1 + Self.headSize
            let key = start..<start + keyCount(at: Int(offset) - 1)
            var slot = Int(truncatingIfNeeded: Self.hash(bytes.span.extracting(key))) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = offset
        }
    }

    /// FNV-1a, stirred: its low bits alone cluster. Keys are the operator's own, so nobody can choose collisions.
    private static func hash(_ key: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for place in key.indices { hash = (hash ^ UInt64(key[place])) &* 0x100_0000_01B3 }
        hash ^= hash >> 32
        return hash &* 0x9E37_79B9_7F4A_7C15 >> 16
    }
}
