import MailModel
import MessageFormat
import NIOCore
import Testing

@Suite struct WishFieldsTests {
    private let fields = WishFields(aliases: ["X-Job": .campaign, "X-Virtual-MTA": .pool])

    private func read(_ header: String) -> (wishes: Wishes, problems: [WishFields.Problem]) {
        let content = ByteBuffer(string: header + "\r\nbody\r\n")
        return fields.read(fields.scanner.scan(content), of: content)
    }

    @Test func allOfThem() {
        let (wishes, problems) = read(
            "X-Apus-Tenant: acme\r\nx-job:  spring\r\n sale \r\nX-VIRTUAL-MTA: bulk\r\nX-Apus-Priority: 100\r\n"
                + "X-Apus-Lifetime: 48h\r\nX-Apus-Tag-Segment: A/B\r\nX-Apus-Tag-lang: d\u{e9}\r\n")
        var expected = Wishes()
        expected.tenant = "acme"
        expected.campaign = "spring sale"
        expected.pool = "bulk"
        expected.priority = 100
        expected.lifetime = .seconds(172_800)
        expected.tags = [Wishes.Tag(name: "segment", value: "A/B"), Wishes.Tag(name: "lang", value: "d\u{e9}")]
        #expect(problems == [])
        #expect(wishes == expected)
    }

    @Test(arguments: [
        ("X-Apus-Priority: 101", WishFields.Problem.Kind.badValue), ("X-Apus-Priority: -1", .badValue),
        ("X-Apus-Priority: 1.5", .badValue), ("X-Apus-Lifetime: 48", .badValue), ("X-Apus-Lifetime: 0s", .badValue),
        ("X-Apus-Lifetime: 400d", .badValue), ("X-Apus-Lifetime: 999999999w", .badValue),
        ("X-Apus-Lifetime: 99999999999999999999h", .badValue), ("X-Apus-Tenant:", .badValue),
        ("X-Apus-Tenant: a\u{1}b", .badValue), ("X-Apus-Pool: " + String(repeating: "p", count: 256), .badValue),
        ("X-Apus-Pool: " + String(repeating: "\r\n ", count: 2000) + "p", .badValue),
        ("X-Apus-Colour: red", .unknownField), ("X-Apus-Tag-: x", .unknownField), ("X-Apus-Tag-a/b: x", .unknownField),
        ("X-Job: a\r\nX-Apus-Campaign: b", .repeated),
    ])
    func problems(header: String, kind: WishFields.Problem.Kind) {
        let (_, problems) = read(header + "\r\n")
        #expect(problems.map(\.kind) == [kind])
        #expect(problems.allSatisfy { $0.value.utf8.count <= 64 && !$0.expected.isEmpty })
    }

    @Test func invalidTextIsRefused() {
        var content = ByteBuffer(string: "X-Apus-Tenant: a")
        content.writeBytes([0xFF, 0xFE])
        content.writeString("\r\n\r\n")
        #expect(fields.read(fields.scanner.scan(content), of: content).problems.map(\.kind) == [.badValue])
    }

    @Test func tagsAndProblemsAreLimited() {
        let tags = (0..<100).map { "X-Apus-Tag-t\($0): v\r\n" }.joined()
        let (wishes, problems) = read(tags)
        #expect(wishes.tags.count == WishFields.maximumTags)
        #expect(problems.count == 10 && problems.allSatisfy { $0.kind == .tooMany })
    }

    @Test func unitsOfLifetime() {
        for (text, seconds) in [("300s", 300), ("90m", 5400), ("5d", 432_000), ("2w", 1_209_600)] {
            #expect(read("X-Apus-Lifetime: \(text)\r\n").wishes.lifetime == .seconds(seconds))
        }
    }

    @Test func stripLeavesTheRestWhereItIs() {
        var content = ByteBuffer(
            string:
                "X-Apus-Pool: a\r\nFrom: x\r\nX-Job: 1\r\n 2\r\nX-Job-ID: 7\r\nTo: y\r\nX-Apus-Nonsense: z\r\n\r\nX-Apus-Pool: body\r\n"
        )
        let end =
            content.withUnsafeReadableBytes { $0.baseAddress.map { UInt(bitPattern: $0) } ?? 0 }
            + UInt(content.readableBytes)
        fields.strip(fields.scanner.scan(content), from: &content)
        #expect(String(buffer: content) == "From: x\r\nX-Job-ID: 7\r\nTo: y\r\n\r\nX-Apus-Pool: body\r\n")
        let after =
            content.withUnsafeReadableBytes { $0.baseAddress.map { UInt(bitPattern: $0) } ?? 0 }
            + UInt(content.readableBytes)
        #expect(after == end)
    }

    @Test func stripOfNothingChangesNothing() {
        var content = ByteBuffer(string: "From: x\r\n\r\nbody")
        let before = content.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        let other = content
        fields.strip(fields.scanner.scan(content), from: &content)
        #expect(content == other)
        #expect(content.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) } == before)
    }

    @Test func stripOfSharedContentSparesTheOther() {
        let original = ByteBuffer(string: "A: 1\r\nX-Apus-Pool: a\r\n\r\nbody")
        var content = original
        fields.strip(fields.scanner.scan(content), from: &content)
        #expect(String(buffer: content) == "A: 1\r\n\r\nbody")
        #expect(String(buffer: original) == "A: 1\r\nX-Apus-Pool: a\r\n\r\nbody")
    }
}
