import MailModel
import NIOCore
import SMTPProtocol
import Testing

@Suite struct ClientSessionTests {
    static let opening = """
        S: 220 mx.y.example ESMTP
        C: EHLO a1.example.org
        S: 250-mx.y.example
        S: 250-PIPELINING
        S: 250-SIZE 1000
        S: 250 8bitmime

        """
    static let plainOpening = """
        S: 220 mx.y.example ESMTP
        C: EHLO a1.example.org
        S: 250 mx.y.example

        """

    @Test(arguments: chunks) func pipelinedMail(chunk: Int?) {
        var script = SessionScript([mail("b", "c")], chunk: chunk)
        script.run(
            Self.opening + """
                C: MAIL FROM:<a@x.example> SIZE=21
                C: RCPT TO:<b@y.example>
                C: RCPT TO:<c@y.example>
                C: DATA
                S: 250 2.1.0 ok
                S: 250 2.1.5 ok
                S: 550-5.1.1 no such
                S: 550 5.1.1 mailbox
                S: 354 go
                C: Subject: x
                C: \("")
                C: hello
                C: .
                S: 250 2.0.0 queued
                C: QUIT
                S: 221 bye
                """)
        #expect(script.outcomes == ["delivered: 250 2.0.0 queued", "rcpt: 550 5.1.1 no such mailbox"])
        #expect(script.results.map(\.connectionUsable) == [true])
        #expect(script.closing == ["polite"])
    }

    @Test(arguments: chunks) func aProbeEndsBehindRCPT(chunk: Int?) {
        var probes = [mail("b", "c"), mail("d")]
        for index in probes.indices { probes[index].isProbe = true }
        var script = SessionScript(probes, chunk: chunk)
        script.run(
            Self.opening + """
                C: MAIL FROM:<a@x.example>
                C: RCPT TO:<b@y.example>
                C: RCPT TO:<c@y.example>
                S: 250 2.1.0 ok
                S: 250 2.1.5 ok
                S: 550 5.1.1 no such mailbox
                C: RSET
                C: MAIL FROM:<a@x.example>
                C: RCPT TO:<d@y.example>
                S: 250 ok
                S: 550 5.1.0 not from you
                S: 503 5.5.1 MAIL first
                C: QUIT
                S: 221 bye
                """)
        #expect(
            script.outcomes == [
                "delivered: 250 2.1.5 ok", "rcpt: 550 5.1.1 no such mailbox", "mail: 550 5.1.0 not from you",
            ])
    }

    @Test(arguments: chunks) func oneCommandAtATime(chunk: Int?) {
        var script = SessionScript([mail("b", "c"), mail("d")], chunk: chunk)
        script.run(
            Self.plainOpening + """
                C: MAIL FROM:<a@x.example>
                S: 250 ok
                C: RCPT TO:<b@y.example>
                S: 450 4.2.1 later
                C: RCPT TO:<c@y.example>
                S: 250 ok
                C: DATA
                S: 354 go
                C: Subject: x
                C: \("")
                C: hello
                C: .
                S: 250 taken
                C: MAIL FROM:<a@x.example>
                S: 451 4.3.0 not now
                C: QUIT
                S: 221 bye
                """)
        #expect(
            script.outcomes == ["rcpt: 450 4.2.1 later", "delivered: 250 taken", "mail: 451 4.3.0 not now"])
        #expect(script.closing == ["polite"])
    }

    @Test(arguments: chunks) func resetAfterAllRecipientsWereRefused(chunk: Int?) {
        var script = SessionScript([mail("b"), mail("c")], chunk: chunk)
        script.run(
            Self.plainOpening + """
                C: MAIL FROM:<a@x.example>
                S: 250 ok
                C: RCPT TO:<b@y.example>
                S: 550 5.1.1 no
                C: RSET
                S: 250 ok
                C: MAIL FROM:<a@x.example>
                S: 250 ok
                C: RCPT TO:<c@y.example>
                S: 250 ok
                C: DATA
                S: 354 go
                C: Subject: x
                C: \("")
                C: hello
                C: .
                S: 550 5.7.1 spam
                C: QUIT
                """)
        #expect(script.outcomes == ["rcpt: 550 5.1.1 no", "acknowledgement: 550 5.7.1 spam"])
    }

    @Test(arguments: chunks) func resetGoesWithTheNextPipelinedGroup(chunk: Int?) {
        var script = SessionScript([mail("b"), mail("c")], chunk: chunk)
        script.run(
            Self.opening + """
                C: MAIL FROM:<a@x.example> SIZE=21
                C: RCPT TO:<b@y.example>
                C: DATA
                S: 250 ok
                S: 550 5.1.1 no
                S: 554 5.5.1 no valid recipients
                C: RSET
                C: MAIL FROM:<a@x.example> SIZE=21
                C: RCPT TO:<c@y.example>
                C: DATA
                S: 250 ok
                S: 550 5.1.0 sender
                S: 503 5.5.1 need MAIL
                S: 503 5.5.1 need RCPT
                C: QUIT
                """)
        #expect(script.outcomes == ["rcpt: 550 5.1.1 no", "mail: 550 5.1.0 sender"])
        #expect(script.results.allSatisfy { $0.connectionUsable })
    }

    @Test(arguments: chunks) func loneDotWhereDataWasAcceptedForNobody(chunk: Int?) {
        var script = SessionScript([mail("b"), mail("c")], chunk: chunk)
        script.run(
            Self.opening + """
                C: MAIL FROM:<a@x.example> SIZE=21
                C: RCPT TO:<b@y.example>
                C: DATA
                S: 250 ok
                S: 550 5.1.1 no
                S: 354 go
                C: .
                S: 554 5.5.1 no recipients
                C: MAIL FROM:<a@x.example> SIZE=21
                C: RCPT TO:<c@y.example>
                C: DATA
                """)
        #expect(script.outcomes == ["rcpt: 550 5.1.1 no"])
        #expect(script.closes.isEmpty)
    }

    @Test func refusedData() {
        var script = SessionScript([mail("b", "c")])
        script.run(
            Self.plainOpening + """
                C: MAIL FROM:<a@x.example>
                S: 250 ok
                C: RCPT TO:<b@y.example>
                S: 250 ok
                C: RCPT TO:<c@y.example>
                S: 550 5.1.1 no
                C: DATA
                S: 451 4.3.0 disk
                C: QUIT
                """)
        #expect(script.outcomes == ["data: 451 4.3.0 disk", "rcpt: 550 5.1.1 no"])
    }

    @Test(arguments: chunks) func fallsBackToHELO(chunk: Int?) {
        var script = SessionScript([mail("b")], chunk: chunk)
        script.run(
            """
            S: 220 old
            C: EHLO a1.example.org
            S: 502 what
            C: HELO a1.example.org
            S: 250 hello
            C: MAIL FROM:<a@x.example>
            """)
        #expect(script.readyCount == 1)
    }

    @Test(arguments: [
        ("S: 554 5.7.1 go away\nC: QUIT", "greeting: 554 5.7.1 go away"),
        ("S: 421 4.3.2 busy", "greeting: 421 4.3.2 busy"),
        ("S: 220 x\nC: EHLO a1.example.org\nS: 450 later\nC: QUIT", "ehlo: 450 later"),
        (
            "S: 220 x\nC: EHLO a1.example.org\nS: 550 a\nC: HELO a1.example.org\nS: 550 5.7.1 b\nC: QUIT",
            "ehlo: 550 5.7.1 b"
        ),
        ("S: hello", "greeting: protocolViolation"),
        ("S: 150 x", "greeting: protocolViolation"),
        ("S: 220-a\nS: 550 b", "greeting: protocolViolation"),
    ]) func refusedSession(dialogue: String, failure: String) {
        var script = SessionScript([mail("b")])
        script.run(dialogue)
        #expect(script.closing == [failure])
        #expect(script.results.isEmpty && script.readyCount == 0)
    }

    @Test(arguments: chunks) func serverClosesAmidRecipients(chunk: Int?) {
        var script = SessionScript([mail("b", "c", "d")], chunk: chunk)
        script.run(
            Self.opening + """
                C: MAIL FROM:<a@x.example> SIZE=21
                C: RCPT TO:<b@y.example>
                C: RCPT TO:<c@y.example>
                C: RCPT TO:<d@y.example>
                C: DATA
                S: 250 ok
                S: 550 5.1.1 no
                S: 421 4.7.0 slow down
                """)
        #expect(
            script.outcomes == ["rcpt: 550 5.1.1 no", "rcpt: 421 4.7.0 slow down", "rcpt: 421 4.7.0 slow down"])
        #expect(script.results.map(\.connectionUsable) == [false])
        #expect(script.closing == ["rcpt: 421 4.7.0 slow down"])
    }

    @Test func closingNoticeAfterTheLastReply() {
        var script = SessionScript([mail("b"), mail("c")])
        script.run(
            Self.opening + """
                C: MAIL FROM:<a@x.example> SIZE=21
                C: RCPT TO:<b@y.example>
                C: DATA
                S: 250 ok
                S: 250 ok
                S: 354 go
                C: Subject: x
                C: \("")
                C: hello
                C: .
                S: 250 ok
                S: 421 enough
                """)
        #expect(script.outcomes == ["delivered: 250 ok"])
        #expect(script.results.map(\.connectionUsable) == [false])
        #expect(script.closing == ["mail: 421 enough"])
    }

    @Test func acknowledgementBeforeTheContentIsAViolation() {
        var script = SessionScript([mail("b")])
        script.run(
            Self.opening + """
                C: MAIL FROM:<a@x.example> SIZE=21
                C: RCPT TO:<b@y.example>
                C: DATA
                S: 250 ok
                S: 250 ok
                S: 354 go
                S: 250 queued
                """)
        #expect(script.outcomes == ["content: protocolViolation"])
        #expect(script.results.map(\.connectionUsable) == [false])
    }

    @Test func idleSessionIsClosedByTheServer() {
        var script = SessionScript()
        script.quits = false
        script.run(Self.opening + "S: 421 4.4.2 idle too long")
        #expect(script.closing == ["mail: 421 4.4.2 idle too long"])
    }

    @Test(arguments: chunks) func lmtpAnswersForEachRecipient(chunk: Int?) {
        var script = SessionScript([mail("b", "c", "d"), mail("e")], dialect: .lmtp, chunk: chunk)
        script.run(
            """
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
            S: 250 2.0.0 b
            S: 452 4.2.2 d full
            C: MAIL FROM:<a@x.example>
            C: RCPT TO:<e@y.example>
            C: DATA
            """)
        #expect(
            script.outcomes == [
                "delivered: 250 2.0.0 b", "rcpt: 550 5.1.1 no", "acknowledgement: 452 4.2.2 d full",
            ])
    }
}
