import MailModel
import Testing

struct ReplyTests {
    @Test(arguments: [(UInt16(250), ReplyClass.positive), (354, .intermediate), (451, .transient), (599, .permanent)])
    func classIsTheFirstDigit(code: UInt16, replyClass: ReplyClass) {
        let reply = Reply(code, StatusDetail(1, 10), "words")
        #expect(reply.replyClass == replyClass)
        #expect(reply.enhanced == "\(code / 100).1.10")
        #expect(reply.isPositive == (code < 300))
    }

    @Test func isWrittenOnOneLine() {
        #expect(Reply(550, StatusDetail(1, 1), "a\nb").description == "550 5.1.1 a b")
        #expect(Reply(421, nil, "bye").description == "421 bye")
    }
}
