import NIOCore
import SMTPProtocol
import Testing

@Suite struct DotUnstufferTests {
    /// - Returns: Content, octets left over, flaws; `nil` content where the end was not found.
    private func unstuff(_ bytes: [UInt8], pieces: [Int]) -> (content: [UInt8]?, left: Int, flaws: ContentFlaws) {
        var unstuffer = DotUnstuffer(convertsBareLF: false)
        var content: [UInt8] = []
        var start = 0
        for end in pieces + [bytes.count] where end > start {
            let (taken, isEnd) = bytes[start..<end].withUnsafeBytes { piece in
                unstuffer.receive(piece) { content += $0 }
            }
            if isEnd { return (content, bytes.count - start - taken, unstuffer.flaws) }
            start = end
        }
        return (nil, 0, unstuffer.flaws)
    }

    /// The rule itself, slow and plain: up to the first CRLF.CRLF, a dot behind CRLF taken out.
    private func reference(_ bytes: [UInt8]) -> (content: [UInt8], left: Int, flaws: ContentFlaws)? {
        var content: [UInt8] = []
        var index = 0
        func at(_ offset: Int) -> UInt8? { offset >= 0 && offset < bytes.count ? bytes[offset] : nil }
        while index < bytes.count {
            let isLineStart = index == 0 || at(index - 2) == 13 && at(index - 1) == 10
            if isLineStart, bytes[index] == 46 {
                if at(index + 1) == 13, at(index + 2) == 10 {
                    var flaws: ContentFlaws = []
                    let kept = Array(bytes[..<index])
                    for (place, byte) in kept.enumerated() {
                        if byte == 13, place + 1 == kept.count || kept[place + 1] != 10 { flaws.insert(.bareCR) }
                        if byte == 10, place == 0 || kept[place - 1] != 13 { flaws.insert(.bareLF) }
                        if byte == 0 { flaws.insert(.nul) }
                    }
                    return (content, bytes.count - index - 3, flaws)
                }
                index += 1
                guard index < bytes.count else { return nil }
            }
            content.append(bytes[index])
            index += 1
        }
        return nil
    }

    @Test func agreesWithTheRuleOnRandomContent() {
        var random = SplitMix(seed: 7)
        let tokens: [[UInt8]] = [[13, 10], [13], [10], [46], [97], [0], [13, 10, 46, 13, 10], [13, 10, 46]]
        var ends = 0
        for _ in 0..<4000 {
            let bytes = (0..<1 + Int(random.next() % 7)).flatMap { _ in tokens[Int(random.next() % 8)] }
            let expected = reference(bytes)
            let pieces = (1..<bytes.count + 1).filter { _ in random.next() % 3 == 0 }
            for cuts in [[], pieces, Array(1..<bytes.count + 1)] {
                let actual = unstuff(bytes, pieces: cuts)
                let agrees = actual.content == expected?.content && (expected == nil || actual.flaws == expected?.flaws)
                if !agrees { Issue.record("\(bytes) cut at \(cuts)") }
                if cuts.isEmpty, let expected, actual.left != expected.left { Issue.record("\(bytes)") }
            }
            ends += expected == nil ? 0 : 1
        }
        #expect(ends > 1000)
    }

    @Test func longLinesInManyPieces() {
        let line = [UInt8](repeating: 120, count: 3000)
        let bytes = line + [13, 10] + [46] + line + [13, 10, 46, 13, 10]
        for step in [7, 64, 4096] {
            let actual = unstuff(bytes, pieces: Array(stride(from: step, to: bytes.count, by: step)))
            #expect(actual.content == line + [13, 10] + line + [13, 10])
            #expect(actual.flaws.isEmpty)
        }
    }
}
