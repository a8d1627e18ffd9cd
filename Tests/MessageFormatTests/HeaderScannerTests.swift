import MessageFormat
import NIOCore
import Testing

struct SeededRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct HeaderScannerTests {
    private let scanner = HeaderScanner(prefixes: ["X-Apus-"], names: ["X-Job"])

    private func scan(_ text: String) -> (HeaderSection, ByteBuffer) {
        var content = ByteBuffer(repeating: 0x20, count: 7)
        content.writeString(text)
        content.moveReaderIndex(forwardBy: 7)
        return (scanner.scan(content), content)
    }

    private func text(_ range: Range<Int>, _ content: ByteBuffer) -> String? {
        content.getString(at: content.readerIndex + range.lowerBound, length: range.count)
    }

    @Test func findsFieldsAndBody() throws {
        let (section, content) = scan(
            "Received: from a\r\n\tby b\r\nRECEIVED:x\r\nReceived-SPF: pass\r\nFrom: a@b\r\nDate: now\r\n"
                + "Message-Id: \r\n <1@b> \r\nX-Apus-Tenant: t\r\n 1\r\nX-Job : j\r\nX-Job-ID: k\r\n\r\nFrom: body\r\n")
        #expect(section.receivedCount == 2)
        #expect(section.hasFrom && section.hasDate)
        #expect(section.messageIDText(in: content) == "<1@b>")
        #expect(section.listed.map { text($0.name, content) } == ["X-Apus-Tenant", "X-Job"])
        #expect(section.listed.map { text($0.value, content) } == [" t\r\n 1", " j"])
        #expect(section.listed.map { text($0.whole, content) } == ["X-Apus-Tenant: t\r\n 1\r\n", "X-Job : j\r\n"])
        #expect(text(section.bodyStart..<content.readableBytes, content) == "From: body\r\n")
        #expect(section.bodyStart == section.fieldsEnd + 2)
    }

    @Test(arguments: [
        ("", 0, 0), ("\r\nbody", 0, 2), ("no header here\r\n", 0, 0), (" folded\r\nFrom: x\r\n", 0, 0),
        ("From: x\r\nbody at once\r\nDate: y\r\n", 9, 9), ("From: x", 7, 7), ("From: x\r\n", 9, 9), (": x\r\n", 0, 0),
        ("From: x\n\nbody", 13, 13), ("From: x\r\r\n\r\n", 10, 12), ("From nobody Mon\r\nFrom: x\r\n\r\n", 0, 0),
        ("Fröm: x\r\n\r\n", 0, 0), ("From: x\r\n \r\n\r\nb", 12, 14),
    ])
    func edges(text: String, fieldsEnd: Int, bodyStart: Int) {
        let (section, _) = scan(text)
        #expect(section.fieldsEnd == fieldsEnd)
        #expect(section.bodyStart == bodyStart)
    }

    @Test(arguments: [
        "Message-ID: \r\n\r\n", "Message-ID: <a b>\r\n\r\n", "Message-ID: <\u{e4}@b>\r\n\r\n", "From: x\r\n\r\n",
    ])
    func messageIDsThatCannotBeQuoted(text: String) {
        let (section, content) = scan(text)
        #expect(section.messageIDText(in: content) == nil)
    }

    @Test func randomInputKeepsItsBounds() {
        var random = SeededRandom(state: 3)
        let pieces = [
            "\r\n", "\r", "\n", " ", "\t", ":", "X-Apus-", "X-Job", "Received", "Message-ID", "from", "a", "\u{e9}",
            "\0",
        ]
        for _ in 0..<20_000 {
            var input = ""
            for _ in 0..<Int.random(in: 0..<30, using: &random) { input += pieces.randomElement(using: &random) ?? "" }
            let (section, content) = scan(input)
            #expect(section.fieldsEnd <= section.bodyStart && section.bodyStart <= content.readableBytes)
            var previous = 0
            for field in section.listed {
                #expect(field.whole.lowerBound >= previous && field.whole.upperBound <= section.fieldsEnd)
                #expect(
                    field.whole.lowerBound <= field.value.lowerBound && field.value.upperBound <= field.whole.upperBound
                )
                previous = field.whole.upperBound
            }
            let fields = WishFields(aliases: ["X-Job": .campaign])
            let wishSection = fields.scanner.scan(content)
            _ = fields.read(wishSection, of: content)
            var stripped = content
            fields.strip(wishSection, from: &stripped)
            #expect(fields.scanner.scan(stripped).listed.isEmpty)
            #expect(
                stripped.readableBytes == content.readableBytes - wishSection.listed.reduce(0) { $0 + $1.whole.count })
        }
    }
}
