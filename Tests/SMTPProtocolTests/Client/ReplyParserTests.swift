import MailModel
import NIOCore
import SMTPProtocol
import Testing

@Suite struct ReplyParserTests {
    /// All replies in `text`, fed `chunk` bytes at a time, and the violation that ended them.
    private func parse(_ text: String, chunk: Int) -> (replies: [Reply], violation: String?) {
        var parser = ReplyParser()
        var input = ByteBuffer()
        var replies: [Reply] = []
        let bytes = Array(text.utf8)
        var at = 0
        while at < bytes.count {
            let end = min(at + chunk, bytes.count)
            input.writeBytes(bytes[at..<end])
            at = end
            reading: while true {
                switch parser.next(&input) {
                case .incomplete: break reading
                case .violation(let text): return (replies, text)
                case .reply(let reply): replies.append(reply.reply())
                }
            }
        }
        return (replies, nil)
    }

    @Test(arguments: [
        ("250 2.1.0 Ok\r\n", Reply(250, StatusDetail(1, 0), "Ok")),
        ("250\r\n", Reply(250, nil, "")),
        ("250 \r\n", Reply(250, nil, "")),
        ("250-a\r\n250-\r\n250 b\r\n", Reply(250, nil, "a\n\nb")),
        ("250-a\r\n250\r\n", Reply(250, nil, "a\n")),
        ("550-5.1.1 one\r\n550-5.1.1\r\n550 5.1.1 two\r\n", Reply(550, StatusDetail(1, 1), "one\n\ntwo")),
        ("550 4.1.1 wrong class\r\n", Reply(550, nil, "4.1.1 wrong class")),
        ("550 5.1.1234 no\r\n", Reply(550, nil, "5.1.1234 no")),
        ("550 5.1.1x no\r\n", Reply(550, nil, "5.1.1x no")),
        ("550 5.7.512\r\n", Reply(550, StatusDetail(7, 512), "")),
        ("250 bare line end\n", Reply(250, nil, "bare line end")),
        ("550-a\r\n554 b\r\n", Reply(554, nil, "a\nb")),
        ("550 \u{1}x\u{7f}\u{fc}\r\n", Reply(550, nil, "?x?\u{fc}")),
    ]) func replies(text: String, reply: Reply) {
        for chunk in [1, 2, 3, 5, 1000] {
            let parsed = parse(text + text, chunk: chunk)
            #expect(parsed.replies == [reply, reply] && parsed.violation == nil, "in chunks of \(chunk)")
        }
    }

    @Test(arguments: [
        "hello\r\n", "25 x\r\n", "250x\r\n", "199 x\r\n", "600 x\r\n", "\r\n", "250-a\r\nb\r\n", "250-a\r\n550 b\r\n",
    ]) func violations(text: String) {
        for chunk in [1, 3, 1000] { #expect(parse(text, chunk: chunk).violation != nil, "in chunks of \(chunk)") }
    }

    @Test func invalidUTF8IsRepaired() {
        var input = ByteBuffer(bytes: Array("550 a".utf8) + [0xFF, 0x0D, 0x0A])
        var parser = ReplyParser()
        guard case .reply(let reply) = parser.next(&input) else { return #expect(Bool(false)) }
        #expect(reply.reply().text == "a\u{FFFD}")
    }

    @Test(arguments: [1, 100, 100_000]) func endlessReplies(chunk: Int) {
        let line = "250-" + String(repeating: "x", count: 2000) + "\r\n"
        #expect(parse(String(repeating: line, count: 7) + "250 x\r\n", chunk: chunk).replies.count == 1)
        #expect(parse(String(repeating: line, count: 100), chunk: chunk).violation != nil)
        #expect(parse(String(repeating: "250-x\r\n", count: 127) + "250 x\r\n", chunk: chunk).replies.count == 1)
        #expect(parse(String(repeating: "250-x\r\n", count: 128), chunk: chunk).violation != nil)
        #expect(parse("250 " + String(repeating: "x", count: 4090) + "\r\n", chunk: chunk).replies.count == 1)
        #expect(parse("250 " + String(repeating: "x", count: 4093), chunk: chunk).violation != nil)
    }
}
