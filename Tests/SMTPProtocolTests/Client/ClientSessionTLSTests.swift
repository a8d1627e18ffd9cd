import MailModel
import SMTPProtocol
import Testing

@Suite struct ClientSessionTLSTests {
    static let opening = """
        S: 220 mx
        C: EHLO a1.example.org
        S: 250-mx
        S: 250-PIPELINING
        S: 250 STARTTLS
        C: STARTTLS

        """

    @Test(arguments: chunks) func greetsAgainAfterTLS(chunk: Int?) {
        var script = SessionScript([mail("b")], startTLS: .ifOffered, chunk: chunk)
        script.run(
            Self.opening + """
                S: 220 go
                C: EHLO a1.example.org
                S: 250-mx
                S: 250 STARTTLS
                C: MAIL FROM:<a@x.example>
                S: 250 ok
                C: RCPT TO:<b@y.example>
                """)
        #expect(script.readyCount == 1)
        // PIPELINING was offered before TLS only.
        #expect(!script.session.offered.contains(.pipelining))
    }

    @Test func bytesInjectedBeforeTLS() {
        var script = SessionScript([mail("b")], startTLS: .ifOffered)
        script.run(Self.opening + "S: 220 go\nS: 250 injected")
        #expect(script.closing == ["starttls: protocolViolation"])
        #expect(script.readyCount == 0)
    }

    @Test func refusedStartTLS() {
        var script = SessionScript([mail("b")], startTLS: .ifOffered)
        script.run(
            Self.opening + """
                S: 454 4.7.0 not now
                C: MAIL FROM:<a@x.example>
                C: RCPT TO:<b@y.example>
                C: DATA
                """)
        #expect(script.readyCount == 1)

        var required = SessionScript([mail("b")], startTLS: .required)
        required.run(Self.opening + "S: 454 4.7.0 not now\nC: QUIT")
        #expect(required.closing == ["starttls: 454 4.7.0 not now"])
    }

    @Test func requiredAndNotOffered() {
        var script = SessionScript([mail("b")], startTLS: .required)
        script.run(ClientSessionTests.plainOpening)
        #expect(script.closing == ["starttls: tlsFailed"])
    }

    @Test func failedHandshake() {
        var script = SessionScript([mail("b")], startTLS: .ifOffered)
        script.tlsFails = true
        script.run(Self.opening + "S: 220 go")
        #expect(script.closing == ["starttls: tlsFailed"])
        #expect(script.results.isEmpty)
    }
}
