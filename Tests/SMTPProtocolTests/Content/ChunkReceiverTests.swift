import SMTPProtocol
import Testing

@Suite struct ChunkReceiverTests {
    @Test func agreesWithTheRuleOnRandomOctets() {
        var random = SplitMix(seed: 11)
        let alphabet: [UInt8] = [13, 10, 13, 10, 97, 98, 99, 0]
        for _ in 0..<4000 {
            let bytes = (0..<1 + Int(random.next() % 10)).map { _ in alphabet[Int(random.next() % 8)] }
            var flaws: ContentFlaws = []
            for (place, byte) in bytes.enumerated() {
                if byte == 13, place + 1 == bytes.count || bytes[place + 1] != 10 { flaws.insert(.bareCR) }
                if byte == 10, place == 0 || bytes[place - 1] != 13 { flaws.insert(.bareLF) }
                if byte == 0 { flaws.insert(.nul) }
            }
            var chunks = ChunkReceiver()
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + 1 + Int(random.next() % 5))
                bytes[start..<end].withUnsafeBytes { chunks.receive($0) }
                start = end
            }
            chunks.finish()
            let agrees = chunks.flaws == flaws && chunks.endsInCRLF == bytes.suffix(2).elementsEqual([13, 10])
            if !agrees { Issue.record("\(bytes)") }
        }
    }
}
