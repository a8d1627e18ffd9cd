/// Random numbers that are the same in each run of a seed (SplitMix64); one generator for each message, so that what a
/// message is does not depend on which connection takes it, or when.
package struct LoadRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64, message number: Int = 0) {
        // The odd constant of the increment would make neighbours overlap; this one does not.
        state = seed ^ (UInt64(truncatingIfNeeded: number) &* 0xD134_2543_DE82_EF95)
        _ = next()
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// 0 up to 1, without 1.
    package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
