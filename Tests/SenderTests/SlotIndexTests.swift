import Sender
import Testing

/// The table against a dictionary that says what it should hold.
@Suite struct SlotIndexTests {
    /// - Parameter spread: Hashes are below it: few make chains that run into each other and around the end.
    @Test(arguments: [3, 20, 64, 100_000] as [UInt64])
    func findsWhatItHolds(spread: UInt64) {
        var random = Sequence(state: spread)
        var index = SlotIndex()
        var hashes: [UInt32: UInt64] = [:]
        for step in 0..<20_000 {
            let slot = UInt32(random.next() % 300)
            if let hash = hashes[slot] {
                index.remove(slot, hash) { hashes[$0] ?? 0 }
                hashes[slot] = nil
            } else {
                // Around the end of the table too.
                let hash = random.next() % spread &- spread / 2
                index.insert(slot, hash) { hashes[$0] ?? 0 }
                hashes[slot] = hash
            }
            #expect(index.count == hashes.count)
            guard step % 100 == 0 else { continue }
            for (slot, hash) in hashes {
                #expect(index.slot(hash) { $0 == slot } == slot, "step \(step)")
            }
            #expect(index.slot(random.next()) { _ in false } == nil)
        }
    }

    private struct Sequence {
        var state: UInt64

        /// SplitMix64.
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
            return value ^ value >> 31
        }
    }
}
