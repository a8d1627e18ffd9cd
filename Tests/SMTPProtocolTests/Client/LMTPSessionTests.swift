import MailModel
import SMTPProtocol
import Testing

/// LMTP (RFC 2033): after the final dot each accepted recipient has a reply of its own.
@Suite struct LMTPSessionTests {
    /// Up to the final dot of a mail to b, c and d, of whom c is refused.
    private static let mailToTwoOfThree = """
        S: 220 lmtp
        C: LHLO a1.example.org
        S: 250-lmtp
        S: 250 PIPELINING
        C: MAIL FROM:<a@x.example>
        C: RCPT TO:<b@y.example>
        C: RCPT TO:<c@y.example>
        C: RCPT TO:<d@y.example>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 550 5.1.1 no
        S: 250 ok
        S: 354 go
        C: Subject: x
        C: \("")
        C: hello
        C: .

        """

    @Test(arguments: chunks) func aCutAfterTheDotIsAmbiguousForWhoHasNoReply(chunk: Int?) {
        for byTimeout in [false, true] {
            var script = SessionScript([mail("b", "c", "d")], dialect: .lmtp, chunk: chunk)
            script.run(Self.mailToTwoOfThree + "S: 250 2.0.0 b")
            if byTimeout { script.timeOut() } else { script.lose() }
            let cut = "acknowledgement: \(byTimeout ? "timeout" : "connectionLost")"
            #expect(script.outcomes == ["delivered: 250 2.0.0 b", "rcpt: 550 5.1.1 no", cut])
            #expect(script.results.map(\.connectionUsable) == [false])
            #expect(script.closing == [cut])
        }
    }

    /// In one read with the last reply that is waited for, or after the next transaction could begin.
    @Test(arguments: chunks) func aReplyNobodyWaitsForEndsTheConnection(chunk: Int?) {
        var script = SessionScript([mail("b", "c", "d")], dialect: .lmtp, chunk: chunk)
        script.quits = false
        script.run(
            Self.mailToTwoOfThree + """
                S: 250 2.0.0 b
                S: 452 4.2.2 d full
                S: 250 2.0.0 who?
                """)
        #expect(
            script.outcomes == ["delivered: 250 2.0.0 b", "rcpt: 550 5.1.1 no", "acknowledgement: 452 4.2.2 d full"])
        #expect(script.results.count == 1 && !script.session.isIdle)
        #expect(script.closing == ["mail: protocolViolation"])
        if chunk == nil { #expect(script.results.map(\.connectionUsable) == [false]) }
    }

    /// 421 is the answer for one recipient; the others have none.
    @Test(arguments: chunks) func aClosingReplyIsForOneRecipient(chunk: Int?) {
        var script = SessionScript([mail("b", "c", "d", "e")], dialect: .lmtp, chunk: chunk)
        script.run(
            Self.mailToTwoOfThree
                .replacing("C: DATA\n", with: "C: RCPT TO:<e@y.example>\nC: DATA\n")
                .replacing("S: 354", with: "S: 250 ok\nS: 354") + "S: 421 4.3.2 going down")
        #expect(
            script.outcomes == [
                "acknowledgement: 421 4.3.2 going down", "rcpt: 550 5.1.1 no", "acknowledgement: connectionLost",
                "acknowledgement: connectionLost",
            ])
        #expect(script.closing == ["acknowledgement: 421 4.3.2 going down"])
    }

    @Test(arguments: chunks) func recipientsThatAreAllRefusedLeaveTheSessionInOrder(chunk: Int?) {
        var script = SessionScript([mail("b"), mail("c")], dialect: .lmtp, chunk: chunk)
        script.run(
            """
            S: 220 lmtp
            C: LHLO a1.example.org
            S: 250-lmtp
            S: 250 PIPELINING
            C: MAIL FROM:<a@x.example>
            C: RCPT TO:<b@y.example>
            C: DATA
            S: 250 ok
            S: 550 5.1.1 no
            S: 503 5.5.1 no recipients
            C: RSET
            C: MAIL FROM:<a@x.example>
            C: RCPT TO:<c@y.example>
            C: DATA
            """)
        #expect(script.outcomes == ["rcpt: 550 5.1.1 no"])
    }

    @Test(arguments: [
        ("S: 554 5.7.1 go away\nC: QUIT", "greeting: 554 5.7.1 go away"),
        ("S: 220 x\nC: LHLO a1.example.org\nS: 500 5.5.1 what\nC: QUIT", "ehlo: 500 5.5.1 what"),
        ("S: 220 x\nC: LHLO a1.example.org\nS: 421 4.3.2 busy", "ehlo: 421 4.3.2 busy"),
    ]) func aRefusedSessionIsNobodysFailure(dialogue: String, failure: String) {
        var script = SessionScript([mail("b")], dialect: .lmtp)
        script.run(dialogue)
        #expect(script.closing == [failure])
        #expect(script.results.isEmpty && script.readyCount == 0)
    }
}
