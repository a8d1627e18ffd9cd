import MailModel
import Testing

struct DomainTests {
    @Test(arguments: [
        ("Example.ORG", "example.org"), ("example.org.", "example.org"), ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"), ("faß.de", "xn--fa-hia.de"),
        ("_dmarc.example.org", "_dmarc.example.org"),
        ("[192.0.2.1]", "[192.0.2.1]"), ("[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]"), ("localhost", "localhost"),
        ("a-b.c", "a-b.c"), ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
    ])
    func normalizes(text: String, name: String) { #expect(Domain(normalizing: text)?.name == name) }

    @Test(arguments: [
        "", ".", "a..b", ".a", "a.-b", "a-.b", "-a.b", "a b", "a@b", "a\0b", "a\nb", "[]x", "[a b]", "a.b..",
        String(repeating: "a", count: 64) + ".org", "a/b", "ex\u{2028}ample.org",
        (0..<64).map { _ in "abc" }.joined(separator: "."),
    ])
    func refuses(text: String) { #expect(Domain(normalizing: text) == nil) }

    @Test func limitsAreInclusive() {
        #expect(Domain(normalizing: String(repeating: "a", count: 63) + ".org") != nil)
        let longest = Array(repeating: String(repeating: "a", count: 49), count: 5).joined(separator: ".") + ".org"
        #expect(longest.utf8.count == 253)
        #expect(Domain(normalizing: longest) != nil)
        #expect(Domain(normalizing: "a" + longest) == nil)
    }

    @Test func normalizingTwiceChangesNothing() throws {
        for text in ["BÜCHER.example", "[192.0.2.1]", "Example.ORG."] {
            let once = try #require(Domain(normalizing: text))
            #expect(Domain(normalizing: once.name) == once)
        }
        #expect(Domain(normalizing: "[192.0.2.1]")?.isAddressLiteral == true)
        #expect(Domain(normalizing: "a.b")?.isAddressLiteral == false)
    }
}
