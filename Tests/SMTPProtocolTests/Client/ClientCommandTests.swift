import MailModel
import NIOCore
import SMTPProtocol
import Testing

@Suite struct ClientCommandTests {
    @Test func parametersOfAllExtensions() {
        var transaction = mail("b", "two words", "c")
        transaction.body = .eightBitMIME
        transaction.smtpUTF8 = true
        transaction.envelopeID = "a+b=c d"
        transaction.returnContent = .headers
        transaction.recipients[0].notify = [.success, .delay]
        transaction.recipients[0].originalRecipient = "rfc822;b+1@y.example"
        transaction.recipients[1].notify = .never
        transaction.recipients[2].originalRecipient = "rfc822;" + String(repeating: "c", count: 500)
        var script = SessionScript([transaction])
        script.run(
            """
            S: 220 x
            C: EHLO a1.example.org
            S: 250-x
            S: 250-pipelining
            S: 250-SIZE 0
            S: 250-8BITMIME
            S: 250-SMTPUTF8
            S: 250-X-UNKNOWN 1
            S: 250 DSN
            C: MAIL FROM:<a@x.example> SIZE=21 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb+3Dc+20d
            C: RCPT TO:<b@y.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+2B1@y.example
            C: RCPT TO:<"two words"@y.example> NOTIFY=NEVER
            C: RCPT TO:<c@y.example>
            C: DATA
            """)
    }

    @Test func nullReversePath() {
        var transaction = mail("b")
        transaction.reversePath = .null
        var script = SessionScript([transaction])
        script.run(ClientSessionTests.plainOpening + "C: MAIL FROM:<>")
    }

    @Test func quotesWhatIsNoDotString() {
        var script = SessionScript([mail("a\"b\\c", "a..b", ".a", "a@b", "o'neil+x")])
        script.run(
            ClientSessionTests.opening + #"""
                C: MAIL FROM:<a@x.example> SIZE=21
                C: RCPT TO:<"a\"b\\c"@y.example>
                C: RCPT TO:<"a..b"@y.example>
                C: RCPT TO:<".a"@y.example>
                C: RCPT TO:<"a@b"@y.example>
                C: RCPT TO:<o'neil+x@y.example>
                C: DATA
                """#)
    }
}
