/// Slots by hash: an open table of numbers with linear probing, 6 to 11 bytes an entry.
///
/// What a slot holds stays with the caller, who compares; a dictionary would hold every key a second time.
package struct SlotIndex {
    private static let empty = UInt32.max
    private var table: [UInt32]
    package private(set) var count = 0

    package init() { table = Array(repeating: Self.empty, count: 16) }

    private var mask: Int { table.count - 1 }

    /// The slot with this hash that the caller takes for the wanted one.
    package func slot(_ hash: UInt64, where isWanted: (UInt32) -> Bool) -> UInt32? {
        var place = Int(truncatingIfNeeded: hash) & mask
        while table[place] != Self.empty {
            if isWanted(table[place]) { return table[place] }
            place = (place + 1) & mask
        }
        return nil
    }

    /// - Parameters:
    ///   - slot: Not in the table yet.
    ///   - hashOf: Hash of a slot that is, for when the table grows.
    package mutating func insert(_ slot: UInt32, _ hash: UInt64, hashOf: (UInt32) -> UInt64) {
        if (count + 1) * 10 > table.count * 7 {
            let old = table
            table = Array(repeating: Self.empty, count: old.count * 2)
            for other in old where other != Self.empty { put(other, hashOf(other)) }
        }
        put(slot, hash)
        count += 1
    }

    private mutating func put(_ slot: UInt32, _ hash: UInt64) {
        var place = Int(truncatingIfNeeded: hash) & mask
        while table[place] != Self.empty { place = (place + 1) & mask }
        table[place] = slot
    }

    /// Takes a slot out and moves those behind it up, so that no chain has a gap.
    package mutating func remove(_ slot: UInt32, _ hash: UInt64, hashOf: (UInt32) -> UInt64) {
        var gap = Int(truncatingIfNeeded: hash) & mask
        while table[gap] != slot {
            guard table[gap] != Self.empty else { return }
            gap = (gap + 1) & mask
        }
        count -= 1
        var place = gap
        while true {
            place = (place + 1) & mask
            guard table[place] != Self.empty else { break }
            let home = Int(truncatingIfNeeded: hashOf(table[place])) & mask
            // It may move where the gap is not before its home.
            if (place - home) & mask >= (place - gap) & mask {
                table[gap] = table[place]
                gap = place
            }
        }
        table[gap] = Self.empty
    }
}
