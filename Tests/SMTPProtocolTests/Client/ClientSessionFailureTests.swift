import MailModel
import NIOCore
import SMTPProtocol
import Testing

/// The connection is cut, or the host falls silent, in each step.
@Suite struct ClientSessionFailureTests {
    /// Replies of a session without and with PIPELINING, and the stage a cut before each of them is in.
    static let replies: [(reply: String, stage: Failure.Stage)] = [
        ("220 mx\r\n", .greeting), ("250 mx\r\n", .ehlo), ("250 ok\r\n", .mail), ("250 ok\r\n", .rcpt),
        ("550 no\r\n", .rcpt), ("354 go\r\n", .data), ("250 queued\r\n", .acknowledgement),
    ]

    @Test(arguments: 0..<7, [false, true]) func cut(at place: Int, byTimeout: Bool) {
        for isPipelined in [false, true] {
            var script = SessionScript([mail("b", "c")])
            script.quits = false
            for (index, (reply, _)) in Self.replies.prefix(place).enumerated() {
                script.feed(isPipelined && index == 1 ? "250-mx\r\n250 PIPELINING\r\n" : reply)
            }
            // Half a reply makes no difference.
            script.feed("2")
            if byTimeout { script.timeOut() } else { script.lose() }
            let stage = Self.replies[place].stage
            let expected = "\(stage): \(byTimeout ? "timeout" : "connectionLost")"
            #expect(script.closing == [expected])
            switch place {
            case 0, 1: #expect(script.results.isEmpty)
            case 2...4: #expect(script.outcomes == [expected, expected])
            default: #expect(script.outcomes == [expected, "rcpt: 550 no"])
            }
            #expect(script.results.allSatisfy { !$0.connectionUsable })
            // Nothing more comes out of it, whatever happens.
            script.lose()
            script.timeOut()
            script.feed("250 ok\r\n")
            #expect(script.closes.count == 1 && script.results.count == (place < 2 ? 0 : 1))
        }
    }

    @Test func cutWhileContentIsSent() {
        var session = ClientSession(ehloName: "a", startTLS: .never, timeouts: ClientTimeouts())
        var output = ByteBuffer()
        func act(_ text: String) -> ClientSession.Action {
            var input = ByteBuffer(string: text)
            return session.next(&input, &output)
        }
        _ = act("220 mx\r\n")
        guard case .ready = act("250-mx\r\n250 PIPELINING\r\n") else { return #expect(Bool(false)) }
        session.begin(mail("b", content: String(repeating: "x", count: 1_000_000)), &output)
        guard case .sendContent = act("250 ok\r\n250 ok\r\n354 go\r\n") else { return #expect(Bool(false)) }
        #expect(session.timeLimit == ClientTimeouts().block)
        _ = session.nextContentPiece()
        #expect(session.isSendingContent && session.stage == .content)
        while session.nextContentPiece() != nil {}
        #expect(!session.isSendingContent && session.stage == .acknowledgement)
        #expect(session.timeLimit == ClientTimeouts().acknowledgement)
    }

    @Test func refusalWhileContentIsSent() {
        var session = ClientSession(ehloName: "a", startTLS: .never, timeouts: ClientTimeouts())
        var output = ByteBuffer()
        var input = ByteBuffer(string: "220 mx\r\n250-mx\r\n")
        _ = session.next(&input, &output)
        input.writeString("250 PIPELINING\r\n")
        _ = session.next(&input, &output)
        session.begin(mail("b", content: String(repeating: "x", count: 1_000_000)), &output)
        input.writeString("250 ok\r\n250 ok\r\n354 go\r\n")
        _ = session.next(&input, &output)
        _ = session.nextContentPiece()
        input.writeString("552 5.3.4 too big\r\n")
        guard case .finished(let result) = session.next(&input, &output) else { return #expect(Bool(false)) }
        #expect(result.perRecipient.map(describe) == ["content: 552 5.3.4 too big"])
        #expect(!result.connectionUsable && session.nextContentPiece() == nil)
    }

    @Test func needsWhatTheHostLacks() {
        var utf8 = mail("b", content: "Subject: \u{fc}\r\n\r\nx\r\n")
        utf8.smtpUTF8 = true
        var ascii = mail("b")
        ascii.smtpUTF8 = true
        let large = mail("b", content: String(repeating: "x", count: 1001))
        var binary = mail("b")
        binary.body = .binaryMIME
        var script = SessionScript([utf8, mail("b\u{fc}"), large, binary, mail("b\r\nRSET"), ascii])
        script.run(
            ClientSessionTests.opening + """
                C: MAIL FROM:<a@x.example> SIZE=21
                C: RCPT TO:<b@y.example>
                C: DATA
                """)
        #expect(
            script.outcomes == [
                "mail: missingExtension", "mail: missingExtension", "mail: missingExtension",
                "mail: missingExtension", "mail: local",
            ])
        #expect(script.results.allSatisfy { $0.connectionUsable })
    }

    @Test func timeLimits() {
        var script = SessionScript()
        script.quits = false
        let limits = ClientTimeouts()
        #expect(script.session.timeLimit == limits.greeting)
        script.feed("220 x\r\n")
        #expect(script.session.timeLimit == limits.ehlo)
        script.feed("250 x\r\n")
        #expect(script.session.timeLimit == nil)
    }
}
