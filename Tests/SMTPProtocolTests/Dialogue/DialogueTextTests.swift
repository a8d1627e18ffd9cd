import SMTPProtocol
import Testing

@Suite struct DialogueTextTests {
    @Test(arguments: [
        ("250 2.1.5 ok", "250 2.1.5 ok"),
        ("250 \u{1B}[2J\u{7}gone", "250 \\x1B[2J\\x07gone"),
        ("550 \u{9B}31m red", "550 \\x9B31m red"),
        ("550 a\\x1B", "550 a\\\\x1B"),
        ("550 a\tb\rc", "550 a\\tb\\rc"),
        ("550 \u{202E}evil\u{2066}", "550 \\u{202E}evil\\u{2066}"),
        ("250 grüße 漢字 ✓", "250 grüße 漢字 ✓"),
        ("250 del\u{7F}", "250 del\\x7F"),
        ("250 \u{2028}\u{FEFF}", "250 \\u{2028}\\u{FEFF}"),
    ])
    func whatATerminalActsOnIsWrittenOut(text: String, shown: String) {
        #expect(DialogueText.visible(text) == shown)
    }

    @Test func noScalarReachesATerminalAsAControl() {
        for value in UInt32(0)...0xFFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let shown = DialogueText.visible("250 a\(scalar)b")
            #expect(
                shown.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) },
                "\(String(value, radix: 16))")
        }
    }

    @Test func longLinesEndInTheirLength() {
        let shown = DialogueText.visible("250 " + String(repeating: "x", count: 5000))
        #expect(shown.utf8.count < DialogueText.limit + 40)
        #expect(shown.hasSuffix("… (5004 octets)"))
    }
}
