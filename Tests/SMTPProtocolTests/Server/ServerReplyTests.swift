import MailModel
import NIOCore
import SMTPProtocol
import Testing

@Suite struct ServerReplyTests {
    private func text(_ write: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        write(&buffer)
        return String(buffer: buffer)
    }

    @Test func lines() {
        #expect(text(ServerReply(250, StatusDetail(0, 0), "Ok").write) == "250 2.0.0 Ok\r\n")
        #expect(text(ServerReply(354, nil, "go").write) == "354 go\r\n")
        #expect(text(ServerReply(599, StatusDetail(65535, 10), "").write) == "599 5.65535.10 \r\n")
    }

    @Test func linesOfReplies() {
        #expect(
            text(Reply(451, StatusDetail(3, 0), "a\nb\nc").write) == "451-4.3.0 a\r\n451-4.3.0 b\r\n451 4.3.0 c\r\n")
        #expect(text(Reply(250, nil, "a\r\nb\u{0}").write) == "250-a \r\n250 b \r\n")
    }

    @Test func decimals() {
        for (value, digits) in [(0, "0"), (9, "9"), (10, "10"), (50_000_000, "50000000")] as [(UInt64, String)] {
            #expect(text { $0.writeDecimal(value) } == digits)
        }
        #expect(text { $0.writeDecimal(.max) } == String(UInt64.max))
    }
}
