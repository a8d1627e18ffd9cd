import MailModel
import MessageFormat
import NIOCore
import Testing

@Suite struct DeliveryStatusNoticeTests {
    static let time = Timestamp(milliseconds: 1_795_457_108_000)

    static func notice(_ action: DeliveryStatusNotice.Action = .failed, content: String? = nil) -> DeliveryStatusNotice
    {
        var recipient = DeliveryStatusNotice.Recipient(
            Mailbox(localPart: "b", domain: Domain(canonical: "example.net")), action)
        recipient.remoteHost = "mx.example.net"
        recipient.reply = Reply(550, StatusDetail(1, 1), "No such user\nreally")
        recipient.lastAttempt = time
        recipient.willRetryUntil = time + .seconds(86_400)
        var notice = DeliveryStatusNotice(
            queueID: QueueID(high: 3, low: 4), date: time, host: "mx1.example.org",
            to: Mailbox(localPart: "a", domain: Domain(canonical: "example.org")), recipients: [recipient],
            originalQueueID: QueueID(high: 1, low: 2), arrival: time)
        notice.originalMessageID = "<1@example.org>"
        notice.content = content.map { ByteBuffer(string: $0) }
        return notice
    }

    static let original = "From: a@example.org\r\nSubject: hello\r\n\r\nbody\r\n"

    @Test func failureReturnsTheMessage() {
        var notice = Self.notice(content: Self.original)
        notice.envelopeID = "env 1"
        notice.recipients[0].originalRecipient = "rfc822;B@example.net"
        let message = notice.write()
        let text = String(buffer: message.content)
        for line in [
            "From: Mail Delivery System <MAILER-DAEMON@mx1.example.org>", "To: <a@example.org>",
            "Auto-Submitted: auto-replied", "In-Reply-To: <1@example.org>", "References: <1@example.org>",
            "Date: Mon, 23 Nov 2026 18:05:08 +0000", "Original-Envelope-Id: env 1",
            "Reporting-MTA: dns; mx1.example.org",
            "Arrival-Date: Mon, 23 Nov 2026 18:05:08 +0000", "Original-Recipient: rfc822; B@example.net",
            "Final-Recipient: rfc822; b@example.net", "Action: failed", "Status: 5.1.1",
            "Remote-MTA: dns; mx.example.net",
            "Diagnostic-Code: smtp; 550 5.1.1 No such user really", "Content-Type: message/rfc822", "Subject: hello",
            "    host mx.example.net said: 550 5.1.1 No such user really", "<b@example.net>",
        ] { #expect(text.contains("\r\n\(line)\r\n") || text.hasPrefix("\(line)\r\n"), "\(line)") }
        #expect(!text.contains("Will-Retry-Until") && !text.contains("8bit"))
        #expect(message.body == .sevenBit && !message.smtpUTF8)
        #expect(
            message.messageID == "<0000000000001G00000000000004@mx1.example.org>"
                || message.messageID.hasSuffix("@mx1.example.org>"))
    }

    @Test(arguments: [
        ("192.0.2.1", "[192.0.2.1]"), ("2001:db8::1", "[IPv6:2001:db8::1]"), ("mx.example.net", "mx.example.net"),
    ]) func hostsWithoutANameAreAddressLiterals(host: String, name: String) {
        var notice = Self.notice(content: Self.original)
        notice.recipients[0].remoteHost = host
        #expect(String(buffer: notice.write().content).contains("\r\nRemote-MTA: dns; \(name)\r\n"))
    }

    @Test func delayReturnsTheHeaderSection() {
        var notice = Self.notice(.delayed, content: Self.original)
        notice.recipients[0].reply = nil
        notice.recipients[0].reason = "connection timed out"
        let text = String(buffer: notice.write().content)
        #expect(text.contains("Action: delayed\r\nStatus: 4.0.0\r\n"))
        #expect(text.contains("Will-Retry-Until: Tue, 24 Nov 2026 18:05:08 +0000\r\n"))
        #expect(text.contains("Diagnostic-Code: X-Apus; connection timed out\r\n"))
        #expect(text.contains("Content-Type: text/rfc822-headers\r\n"))
        #expect(text.contains("Subject: hello\r\n") && !text.contains("body\r\n"))
        #expect(text.contains("has not been delivered yet"))
    }

    @Test func whatIsReturned() {
        func returned(_ content: String?, _ change: (inout DeliveryStatusNotice) -> Void = { _ in }) -> ReturnedContent?
        {
            var notice = Self.notice(content: content)
            change(&notice)
            return ReturnedContent(of: notice)
        }
        #expect(returned(nil) == nil)
        #expect(returned(Self.original)?.kind == .message)
        #expect(returned(Self.original) { $0.returnContent = .headers }?.kind == .headers)
        #expect(
            returned(Self.original) { $0.maximumReturned = 30 }.map { String(buffer: $0.bytes) }
                == "From: a@example.org\r\n")
        #expect(returned(Self.original) { $0.maximumReturned = 5 } == nil)
        #expect(returned("no header section\r\n")?.kind == .message)
        #expect(returned("no header section\r\n") { $0.returnContent = .headers } == nil)
        for bad in ["\0", "a\nb", "a\rb", String(repeating: "x", count: 999), "\r"] {
            #expect(returned(Self.original + bad)?.kind == .headers)
        }
        #expect(returned(Self.original + String(repeating: "x", count: 998) + "\r\n")?.kind == .message)
        #expect(returned("A: \u{e9}\r\n\r\n") { $0.originalIsInternationalized = true }?.mediaType == "message/global")
    }

    @Test func boundaryDoesNotOccurInContent() {
        let id = QueueID(high: 3, low: 4)
        let text = String(
            buffer: Self.notice(content: Self.original + "--apus-\(id)-0--\r\n--apus-\(id)-1\r\n").write().content)
        #expect(text.contains("boundary=\"apus-\(id)-2\""))
        #expect(text.hasSuffix("\r\n--apus-\(id)-2--\r\n"))
    }

    @Test func hostileTextStaysInItsField() {
        var notice = Self.notice(content: nil)
        notice.recipients[0].remoteHost = "mx\r\nX-Evil: 1"
        notice.recipients[0].reply = Reply(
            550, nil, "\u{e9}\r\nAction: delivered\n" + String(repeating: "w", count: 5000))
        notice.recipients[0].originalRecipient = "utf-8;j\u{f6}\\rg@x"
        notice.envelopeID = "a\r\nb"
        notice.originalMessageID = "<x\r\n\r\ny>"
        let text = String(buffer: notice.write().content)
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(!lines.contains { $0.hasPrefix("X-Evil") || $0.hasPrefix("Action: delivered") })
        #expect(lines.allSatisfy { $0.utf8.count <= 998 && !$0.contains("\n") && !$0.contains("\r") })
        #expect(text.contains("Original-Recipient: utf-8; j\\x{F6}\\x{5C}rg@x\r\n"))
    }

    @Test func internationalRecipient() {
        var notice = Self.notice()
        notice.recipients[0].mailbox = Mailbox(localPart: "j\u{f6}rg", domain: Domain(canonical: "example.net"))
        let message = notice.write()
        let text = String(buffer: message.content)
        #expect(text.contains("Final-Recipient: utf-8; j\\x{F6}rg@example.net\r\n"))
        #expect(text.contains("Content-Type: text/plain; charset=utf-8\r\n"))
        #expect(message.body == .eightBitMIME && !message.smtpUTF8)
    }

    @Test func statusAgreesWithTheAction() {
        var recipient = Self.notice().recipients[0]
        #expect(recipient.statusCode == "5.1.1")
        recipient.action = .delayed
        #expect(recipient.statusCode == "4.0.0")
        recipient.reply = Reply(451, StatusDetail(7, 1), "later")
        #expect(recipient.statusCode == "4.7.1")
        recipient.action = .failed
        #expect(recipient.statusCode == "4.7.1")
        recipient.reply = Reply(550, nil, "no")
        #expect(recipient.statusCode == "5.0.0")
        recipient.status = "4.4.7"
        #expect(recipient.statusCode == "4.4.7")
    }
}
