import MailModel
import MessageFormat
import Testing

@Suite struct TraceTagTests {
    private let id = QueueID("01ARZ3NDEKTSV4RRFFQ69G5FAV")!

    @Test func aTagIsOneShortWord() {
        let tag = TraceTag(keyID: "k1", queueID: id, part: 2, recipient: 17, tenant: "acme")
        let text = tag.text(code: [UInt8](repeating: 0xFB, count: 16))
        #expect(text == "k1.01ARZ3NDEKTSV4RRFFQ69G5FAV.2.17.YWNtZQ.-_v7-_v7-_v7-_v7-_v7-w")
        #expect(text.utf8.count + TraceTag.field.utf8.count + 2 <= 78, "one line (RFC 5322 §2.1.1)")
    }

    @Test(
        arguments: [nil, 0, 999_999_999], [nil, "a", "ab", "abc", "Größe & Söhne", String(repeating: "t", count: 255)])
    func whatIsWrittenIsRead(recipient: Int?, tenant: String?) {
        let tag = TraceTag(keyID: "key_2-b", queueID: id, part: 0, recipient: recipient, tenant: tenant)
        let text = tag.text(code: [UInt8](0..<16))
        #expect(TraceTag(text) == tag)
        #expect(text.utf8.count <= TraceTag.maximumLength)
        #expect(text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3D && $0 != 0x2F })
    }

    @Test(arguments: [
        "", "k1", "k1.01ARZ3NDEKTSV4RRFFQ69G5FAV.0.0.", "k1.01ARZ3NDEKTSV4RRFFQ69G5FA.0.0..x",
        "k 1.01ARZ3NDEKTSV4RRFFQ69G5FAV.0.0..x", ".01ARZ3NDEKTSV4RRFFQ69G5FAV.0.0..x",
        "k1.01ARZ3NDEKTSV4RRFFQ69G5FAV.-1.0..x", "k1.01ARZ3NDEKTSV4RRFFQ69G5FAV.0.*..x",
        "k1.01ARZ3NDEKTSV4RRFFQ69G5FAV.0.1234567890..x", "k1.01ARZ3NDEKTSV4RRFFQ69G5FAV.0.0.a.x",
        "k1.01ARZ3NDEKTSV4RRFFQ69G5FAV.0.0.____.x", "k1.01ARZ3NDEKTSV4RRFFQ69G5FAV.0.0..x.y",
        "k1.01ARZ3NDEKTSV4RRFFQ69G5FAV.0.0..\(String(repeating: "x", count: 500))",
    ])
    func otherTextsAreNone(text: String) { #expect(TraceTag(text) == nil) }
}
