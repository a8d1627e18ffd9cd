import MailModel
import MailTestKit
import Testing

struct MailboxTests {
    @Test(arguments: [
        ("joe@example.org", "joe", "joe@example.org"), ("Joe.Doe@EXAMPLE.org", "Joe.Doe", "Joe.Doe@example.org"),
        ("\"a b\"@c.d", "a b", "\"a b\"@c.d"), ("\"a@b\"@c.d", "a@b", "\"a@b\"@c.d"), ("\"joe\"@c.d", "joe", "joe@c.d"),
        ("\"q\\\"q\"@c.d", "q\"q", "\"q\\\"q\"@c.d"), ("\"b\\\\s\"@c.d", "b\\s", "\"b\\\\s\"@c.d"),
        ("a+tag=x@c.d", "a+tag=x", "a+tag=x@c.d"), ("пример@c.d", "пример", "пример@c.d"), ("\"\"@c.d", "", "\"\"@c.d"),
        ("a..b@c.d", "a..b", "\"a..b\"@c.d"), (".a@c.d", ".a", "\".a\"@c.d"),
    ])
    func reads(text: String, local: String, written: String) throws {
        let mailbox = try #require(Mailbox(text))
        #expect(mailbox.localPart == local)
        #expect(mailbox.description == written)
        #expect(Mailbox(written) == mailbox)
    }

    @Test(arguments: [
        "", "@", "a", "a@", "@b", "a b@c.d", "a@b@", "\"a@c.d", "\"a\"b\"@c.d", "\"a\\\"@c.d", "\"a\nb\"@c.d",
        "a\u{7F}@b.c",
        "\"@c.d", String(repeating: "a", count: 257) + "@b.c", "a@b c",
    ])
    func refuses(text: String) { #expect(Mailbox(text) == nil) }

    @Test func whatIsWrittenReadsBack() {
        var random = SeededRandom()
        let letters = Array("ab.\"\\@ ()<>,;:[]é")
        for _ in 0..<5_000 {
            let local = String(
                (0..<Int.random(in: 0...8, using: &random)).map { _ in letters.randomElement(using: &random) ?? "a" })
            let mailbox = Mailbox(localPart: local, domain: Domain(canonical: "c.d"))
            #expect(Mailbox(mailbox.description) == mailbox)
        }
    }

    @Test func reversePaths() {
        #expect(ReversePath("") == .null)
        #expect(ReversePath("")?.description == "")
        #expect(ReversePath("a@b.c")?.mailbox?.localPart == "a")
        #expect(ReversePath("a") == nil)
        #expect(Mailbox("é@b.c")?.needsSMTPUTF8 == true)
        #expect(Mailbox("e@bücher.example")?.needsSMTPUTF8 == false)
    }

    @Test func notifyByDefaultIsFailure() {
        let mailbox = Mailbox(localPart: "a", domain: Domain(canonical: "b.c"))
        #expect(Recipient(mailbox: mailbox, index: 0).wantsFailureNotice)
        #expect(!Recipient(mailbox: mailbox, index: 0, notify: .never).wantsFailureNotice)
        #expect(!Recipient(mailbox: mailbox, index: 0, notify: [.success, .delay]).wantsFailureNotice)
    }
}
