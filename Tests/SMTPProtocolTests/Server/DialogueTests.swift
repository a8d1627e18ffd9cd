import NIOCore
import SMTPProtocol
import Testing

@Suite struct DialogueTests {
    @Test func dialoguesAreFound() { #expect(Dialogue.names.count >= 30) }

    @Test(arguments: Dialogue.names) func inOnePiece(_ name: String) throws {
        let dialogue = try Dialogue.named(name)
        dialogue.check(DialoguePlayer.play(dialogue) { [$0[...]] }, "in one piece")
    }

    @Test(arguments: Dialogue.names) func octetByOctet(_ name: String) throws {
        let dialogue = try Dialogue.named(name)
        let events = DialoguePlayer.play(dialogue) { bytes in bytes.indices.map { bytes[$0...$0] } }
        dialogue.check(events, "octet by octet")
    }

    @Test(arguments: Dialogue.names) func cutInTwoAnywhere(_ name: String) throws {
        let dialogue = try Dialogue.named(name)
        let longest = dialogue.segments.map(\.count).max() ?? 0
        for place in 1..<max(2, longest) {
            let events = DialoguePlayer.play(dialogue) { bytes in
                place < bytes.count ? [bytes[..<place], bytes[place...]] : [bytes[...]]
            }
            dialogue.check(events, "cut at \(place)")
        }
    }

    @Test(arguments: Dialogue.names) func cutAtRandom(_ name: String) throws {
        let dialogue = try Dialogue.named(name)
        var random = SplitMix(seed: 20_260_301)
        for round in 0..<40 {
            let events = DialoguePlayer.play(dialogue) { bytes in
                var pieces: [ArraySlice<UInt8>] = []
                var start = 0
                while start < bytes.count {
                    let end = min(bytes.count, start + 1 + Int(random.next() % 24))
                    pieces.append(bytes[start..<end])
                    start = end
                }
                return pieces
            }
            dialogue.check(events, "random cuts, round \(round)")
        }
    }
}

/// Steele, Lea and Flood's generator: the same numbers in every run.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
