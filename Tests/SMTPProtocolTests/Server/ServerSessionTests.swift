import MailModel
import NIOCore
import SMTPProtocol
import Testing

/// What a dialogue cannot show: storage, memory, and calls of the adapter.
@Suite struct ServerSessionTests {
    private func session(_ change: (inout ServerSession.Configuration) -> Void = { _ in }) -> ServerSession {
        var configuration = ServerSession.Configuration(hostname: "mx.test")
        change(&configuration)
        return ServerSession(configuration: configuration)
    }

    /// Plays octets, accepts every recipient, stops at anything else.
    private func play(_ session: inout ServerSession, _ text: String) -> (ServerSession.Action, String) {
        var input = ByteBuffer(string: text)
        var output = ByteBuffer()
        while true {
            var action = session.next(&input, into: &output)
            if action == .checkRecipient { action = session.recipientDecided(.accept, into: &output) }
            if action != .proceed { return (action, String(buffer: output)) }
        }
    }

    private let start = "EHLO c\r\nMAIL FROM:<a@src.test>\r\nRCPT TO:<b@dst.test>\r\nDATA\r\n"

    @Test func roomIsKeptBeforeTheContent() {
        var session = session { $0.contentHeadroom = 300 }
        #expect(play(&session, start + "x\r\n.\r\n").0 == .accept)
        let transaction = session.takeTransaction()
        #expect(transaction.content.readerIndex == 300)
        #expect(String(buffer: transaction.content) == "x\r\n")
    }

    @Test func roomIsKeptBeforeEmptyContentToo() {
        var session = session()
        #expect(play(&session, start + ".\r\n").0 == .accept)
        let transaction = session.takeTransaction()
        #expect(transaction.content.readerIndex == 1024)
        #expect(transaction.content.readableBytes == 0)
    }

    @Test func commandsWaitForTheAnswer() {
        var session = session()
        var input = ByteBuffer(string: start + "x\r\n.\r\nNOOP\r\n")
        var output = ByteBuffer()
        var action = ServerSession.Action.proceed
        while action == .proceed {
            action = session.next(&input, into: &output)
            if action == .checkRecipient { action = session.recipientDecided(.accept, into: &output) }
        }
        #expect(action == .accept)
        _ = session.takeTransaction()
        #expect(session.next(&input, into: &output) == .needMoreBytes)
        #expect(String(buffer: input) == "NOOP\r\n")
        #expect(session.accepted(Reply(250, StatusDetail(0, 0), "a\nb\rc"), into: &output) == .proceed)
        #expect(session.next(&input, into: &output) == .proceed)
        #expect(String(buffer: output).hasSuffix("250-2.0.0 a\r\n250 2.0.0 b c\r\n250 2.0.0 Ok\r\n"))
    }

    @Test func bytesBehindSTARTTLSAreDropped() {
        var session = session { $0.offersTLS = true }
        var input = ByteBuffer(string: "STARTTLS\r\nEHLO evil\r\nMAIL FROM:<a@b>\r\n")
        var output = ByteBuffer()
        var hello = ByteBuffer(string: "EHLO c\r\n")
        #expect(session.next(&hello, into: &output) == .proceed)
        #expect(session.next(&input, into: &output) == .beginTLS)
        #expect(input.readableBytes == 0)
        session.tlsEstablished(TLSFacts(version: "TLSv1.3"))
        #expect(session.next(&input, into: &output) == .needMoreBytes)
        #expect(!String(buffer: output).contains("2.1.0"))
    }

    @Test func refusedContentIsNotKept() {
        var session = session { $0.sizeLimit = 1000 }
        let (action, _) = play(&session, start + String(repeating: "x", count: 1001))
        #expect(action == .needMoreBytes)
        #expect(session.retainedBytes == 0)
        #expect(session.receivedBytes == 1001)
    }

    @Test func contentGivenUpIsReadToItsEnd() {
        var session = session()
        _ = play(&session, start + "some content\r\n")
        session.abandonContent(.outOfMemory)
        #expect(session.retainedBytes == 0)
        #expect(
            play(&session, "more\r\n.\r\nNOOP\r\n").1
                == "452 4.3.1 Insufficient system storage, try later\r\n250 2.0.0 Ok\r\n")
    }

    @Test func overlongLinesAreNotKept() {
        var session = session()
        var input = ByteBuffer(repeating: UInt8(ascii: "x"), count: 513)
        var output = ByteBuffer()
        #expect(session.next(&input, into: &output) == .needMoreBytes)
        #expect(input.readableBytes == 0)
        input.writeString("yyy\r")
        #expect(session.next(&input, into: &output) == .needMoreBytes)
        #expect(input.readableBytes == 1)
        input.writeString("\n")
        #expect(session.next(&input, into: &output) == .proceed)
        #expect(String(buffer: output) == "500 5.5.2 Line too long\r\n")
    }

    @Test func thousandRecipients() {
        var session = session()
        var text = "EHLO c\r\nMAIL FROM:<a@src.test>\r\n"
        for number in 0..<1001 { text += "RCPT TO:<user\(number)@dst.test>\r\n" }
        let output = play(&session, text + text.dropFirst(8 + 25) + "DATA\r\nx\r\n.\r\n").1
        #expect(output.split(separator: "\r\n").count { $0 == "452 4.5.3 Too many recipients" } == 2)
        let recipients = session.takeTransaction().envelope.recipients
        #expect(recipients.count == 1000)
        #expect(recipients[999].mailbox.description == "user999@dst.test")
    }

    @Test func endedByTheAdapter() {
        var session = session()
        var output = ByteBuffer()
        session.end(.shuttingDown, into: &output)
        #expect(String(buffer: output) == "421 4.3.2 Shutting down, try later\r\n")
        var input = ByteBuffer(string: "NOOP\r\n")
        #expect(session.next(&input, into: &output) == .close)
        #expect(input.readableBytes == 0)
    }
}
