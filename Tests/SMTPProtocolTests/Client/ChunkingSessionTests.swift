import MailModel
import NIOCore
import SMTPProtocol
import Testing

/// BDAT (RFC 3030) in place of DATA.
@Suite struct ChunkingSessionTests {
    static let opening = """
        S: 220 mx.y.example ESMTP
        C: EHLO a1.example.org
        S: 250-mx.y.example
        S: 250-PIPELINING
        S: 250 CHUNKING

        """
    private static let dots = ".\r\n..two\r\nend\r\n"

    private func script(
        _ transactions: [OutboundTransaction], dialect: ClientSession.Dialect = .smtp, chunk: Int? = nil
    ) -> SessionScript { SessionScript(transactions, dialect: dialect, chunking: true, chunk: chunk) }

    @Test(arguments: chunks) func contentGoesOutAsItIs(chunk: Int?) {
        var script = script([mail("b", "c", content: Self.dots), mail("d")], chunk: chunk)
        script.run(
            Self.opening + """
                C: MAIL FROM:<a@x.example>
                C: RCPT TO:<b@y.example>
                C: RCPT TO:<c@y.example>
                S: 250 ok
                S: 250 ok
                S: 550 5.1.1 no
                C: BDAT 15 LAST
                C: .
                C: ..two
                C: end
                S: 250 2.0.0 queued
                C: MAIL FROM:<a@x.example>
                C: RCPT TO:<d@y.example>
                S: 250 ok
                S: 250 ok
                C: BDAT 21 LAST
                C: Subject: x
                C: \("")
                C: hello
                S: 554 5.7.1 spam
                C: QUIT
                S: 221 bye
                """)
        #expect(
            script.outcomes == [
                "delivered: 250 2.0.0 queued", "rcpt: 550 5.1.1 no", "acknowledgement: 554 5.7.1 spam",
            ])
        #expect(script.closing == ["polite"])
    }

    /// Without PIPELINING, and where no recipient is taken: nothing is sent to nobody, RSET ends it.
    @Test(arguments: chunks) func nothingIsSentToNobody(chunk: Int?) {
        var script = script([mail("b", "c"), mail("d")], chunk: chunk)
        script.run(
            Self.opening.replacing("S: 250-PIPELINING\n", with: "") + """
                C: MAIL FROM:<a@x.example>
                S: 250 ok
                C: RCPT TO:<b@y.example>
                S: 550 5.1.1 b
                C: RCPT TO:<c@y.example>
                S: 550 5.1.1 c
                C: RSET
                S: 250 ok
                C: MAIL FROM:<a@x.example>
                S: 250 ok
                C: RCPT TO:<d@y.example>
                S: 250 ok
                C: BDAT 21 LAST
                C: Subject: x
                C: \("")
                C: hello
                S: 250 ok
                C: QUIT
                """)
        #expect(script.outcomes == ["rcpt: 550 5.1.1 b", "rcpt: 550 5.1.1 c", "delivered: 250 ok"])
    }

    @Test(arguments: chunks) func aRefusedMAILSendsNothing(chunk: Int?) {
        var script = script([mail("b")], chunk: chunk)
        script.run(
            Self.opening + """
                C: MAIL FROM:<a@x.example>
                C: RCPT TO:<b@y.example>
                S: 550 5.1.0 sender
                S: 503 5.5.1 need MAIL
                C: QUIT
                """)
        #expect(script.outcomes == ["mail: 550 5.1.0 sender"])
    }

    @Test func isNotUsedWhereItIsNotOffered() {
        var script = script([mail("b")])
        script.run(
            Self.opening.replacing("250-PIPELINING", with: "250-8BITMIME").replacing("CHUNKING", with: "SIZE") + """
                C: MAIL FROM:<a@x.example> SIZE=21
                S: 250 ok
                C: RCPT TO:<b@y.example>
                S: 250 ok
                C: DATA
                """)
    }

    /// Something on the way took CHUNKING's command away: the content was read as commands, so the session ends.
    @Test(arguments: chunks) func aHostThatDoesNotKnowBDAT(chunk: Int?) {
        for reply in ["500 5.5.1 unknown", "502 not implemented"] {
            var script = script([mail("b", "c")], chunk: chunk)
            script.run(
                Self.opening + """
                    C: MAIL FROM:<a@x.example>
                    C: RCPT TO:<b@y.example>
                    C: RCPT TO:<c@y.example>
                    S: 250 ok
                    S: 550 5.1.1 no
                    S: 250 ok
                    C: BDAT 21 LAST
                    C: Subject: x
                    C: \("")
                    C: hello
                    S: \(reply)
                    S: 500 5.5.1 unknown
                    S: 250 ok
                    """)
            #expect(script.outcomes == ["rcpt: 550 5.1.1 no", "data: missingExtension"])
            #expect(script.closing == ["data: missingExtension"])
            #expect(script.results.map(\.connectionUsable) == [false])
        }
    }

    /// The end of the chunk is what the final dot is to DATA.
    @Test func aCutIsAmbiguousOnlyAfterTheLastOctet() {
        for isWhole in [false, true] {
            var session = ClientSession(ehloName: "a", startTLS: .never, chunking: true, timeouts: ClientTimeouts())
            var output = ByteBuffer()
            func act(_ text: String) -> ClientSession.Action {
                var input = ByteBuffer(string: text)
                return session.next(&input, &output)
            }
            _ = act("220 mx\r\n")
            guard case .ready = act("250-mx\r\n250 CHUNKING\r\n") else { return #expect(Bool(false)) }
            session.begin(mail("b", content: String(repeating: "x", count: 600_000)), &output)
            _ = act("250 ok\r\n")
            guard case .sendContent = act("250 ok\r\n") else { return #expect(Bool(false)) }
            #expect(session.nextContentPiece().map { String(buffer: $0) } == "BDAT 600000 LAST\r\n")
            var length = 0
            while let piece = session.nextContentPiece() {
                length += piece.readableBytes
                if !isWhole { break }
            }
            #expect(session.isSendingContent == !isWhole && (length == 600_000) == isWhole)
            session.connectionLost()
            guard case .finished(let result) = act("") else { return #expect(Bool(false)) }
            #expect(result.perRecipient.first?.failure?.stage == (isWhole ? .acknowledgement : .content))
        }
    }

    @Test func emptyContent() {
        var script = script([mail("b", content: "")])
        script.run(
            Self.opening + """
                C: MAIL FROM:<a@x.example>
                C: RCPT TO:<b@y.example>
                S: 250 ok
                S: 250 ok
                C: BDAT 0 LAST
                S: 250 ok
                C: QUIT
                """)
        #expect(script.outcomes == ["delivered: 250 ok"])
    }

    @Test(arguments: chunks) func lmtpAnswersForEachRecipient(chunk: Int?) {
        var script = script([mail("b", "c", "d")], dialect: .lmtp, chunk: chunk)
        script.run(
            Self.opening.replacing("EHLO", with: "LHLO") + """
                C: MAIL FROM:<a@x.example>
                C: RCPT TO:<b@y.example>
                C: RCPT TO:<c@y.example>
                C: RCPT TO:<d@y.example>
                S: 250 ok
                S: 250 ok
                S: 550 5.1.1 no
                S: 250 ok
                C: BDAT 21 LAST
                C: Subject: x
                C: \("")
                C: hello
                S: 250 2.0.0 b
                S: 500 5.0.0 d
                C: QUIT
                """)
        #expect(script.outcomes == ["delivered: 250 2.0.0 b", "rcpt: 550 5.1.1 no", "acknowledgement: 500 5.0.0 d"])
    }
}
