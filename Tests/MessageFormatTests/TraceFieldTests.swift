import MailModel
import MessageFormat
import NIOCore
import Testing

@Suite struct TraceFieldTests {
    private let time = Timestamp(milliseconds: 1_795_457_108_000)

    private func field(ehlo: String? = "client.example", client: String? = "192.0.2.1") -> TraceField {
        TraceField(
            ehlo: ehlo, clientAddress: client, host: "mx1.example.org", transmission: Transmission(.esmtp),
            queueID: QueueID(high: 1, low: 2), time: time)
    }

    private func text(_ field: TraceField) -> String {
        var buffer = ByteBuffer()
        field.prepend(to: &buffer)
        return String(buffer: buffer)
    }

    private func content(headroom: Int) -> ByteBuffer {
        var buffer = ByteBuffer(repeating: 0, count: headroom)
        buffer.writeString("Subject: x\r\n\r\nbody\r\n")
        buffer.moveReaderIndex(forwardBy: headroom)
        return buffer
    }

    @Test func complete() {
        var trace = field()
        trace.transmission = Transmission(.esmtp, isEncrypted: true, isAuthenticated: true)
        trace.recipient = Mailbox("b@example.net")
        trace.tls = TLSFacts(version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384")
        let expected =
            "Received: from client.example ([192.0.2.1])\r\n"
            + "\tby mx1.example.org with ESMTPSA id 0000000000000G000000000002\r\n"
            + "\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
            + "\tfor <b@example.net>; Mon, 23 Nov 2026 18:05:08 +0000\r\n"
        #expect(text(trace) == expected)
    }

    @Test func withoutRecipientOrClient() {
        let text = self.text(field(ehlo: nil, client: nil))
        #expect(
            text == "Received: by mx1.example.org with ESMTP id 0000000000000G000000000002;\r\n"
                + "\tMon, 23 Nov 2026 18:05:08 +0000\r\n")
        #expect(self.text(field(client: "2001:db8::1")).contains("([IPv6:2001:db8::1])"))
        #expect(self.text(field(ehlo: "[192.0.2.1]")).contains("from [192.0.2.1] ("))
    }

    @Test func usesHeadroomWithoutMovingContent() {
        var buffer = content(headroom: TraceField.headroom)
        let body = buffer.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        field().prepend(to: &buffer)
        let length = text(field()).utf8.count
        #expect(buffer.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) } == body - UInt(length))
        #expect(String(buffer: buffer) == text(field()) + "Subject: x\r\n\r\nbody\r\n")
    }

    @Test func copiesWhereRoomIsShort() {
        var buffer = content(headroom: 10)
        field().prepend(to: &buffer)
        #expect(String(buffer: buffer) == text(field()) + "Subject: x\r\n\r\nbody\r\n")
    }

    @Test(arguments: [
        "a\r\nX-Evil: yes", "a b", "(comment", "a;b", "[unclosed", "\"", "\u{e9}t\u{e9}", "\0", "", "[]", "[a]b]",
        String(repeating: "x", count: 5000), "a>b<c", "\\",
    ])
    func hostileGreetingsAreHarmless(ehlo: String) throws {
        let text = self.text(field(ehlo: ehlo))
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines.dropFirst().dropLast().allSatisfy { $0.hasPrefix("\t") })
        #expect(lines.last == "")
        #expect(lines.allSatisfy { $0.utf8.count <= 998 })
        #expect(text.utf8.allSatisfy { $0 == 9 || $0 == 10 || $0 == 13 || (0x20..<0x7F).contains($0) })
        #expect(text.filter { $0 == "(" }.count == 1 && text.filter { $0 == ";" }.count == 1)
        #expect(!text.contains("from  ") && !text.contains("\""))
    }

    @Test func longNamesAreFolded() {
        var trace = field(ehlo: String(repeating: "a", count: 255))
        trace.host = String(repeating: "b", count: 255)
        trace.recipient = Mailbox(
            localPart: String(repeating: "c", count: 200), domain: Domain(canonical: "example.net"))
        let text = self.text(trace)
        #expect(text.utf8.count <= TraceField.headroom)
        #expect(
            text.split(separator: "\r\n").filter { $0.utf8.count > 78 }.allSatisfy {
                $0.contains("aaa") || $0.contains("bbb") || $0.contains("ccc")
            })
    }

    @Test func keywords() {
        #expect(Transmission(.smtp).keyword == "SMTP")
        #expect(Transmission(.esmtp, isEncrypted: true).keyword == "ESMTPS")
        #expect(Transmission(.esmtp, isAuthenticated: true, isInternationalized: true).keyword == "UTF8SMTPA")
        #expect(Transmission(.lmtp, isEncrypted: true, isAuthenticated: true).keyword == "LMTPSA")
        #expect(Transmission(.http, isEncrypted: true).keyword == "HTTPS")
    }

    @Test func internationalRecipientOnlyWhereAllowed() {
        var trace = field()
        trace.recipient = Mailbox("j\u{f6}rg@example.net")
        #expect(!text(trace).contains("for <"))
        trace.transmission.isInternationalized = true
        #expect(text(trace).contains("for <j\u{f6}rg@example.net>;"))
    }

    @Test func dates() {
        #expect(text(at: 0).hasSuffix("\tThu, 1 Jan 1970 00:00:00 +0000\r\n"))
        #expect(text(at: -1).hasSuffix("\tWed, 31 Dec 1969 23:59:59 +0000\r\n"))
        #expect(text(at: .min / 2).contains(" 0000 "))
    }

    private func text(at milliseconds: Int64) -> String {
        var trace = field(ehlo: nil, client: nil)
        trace.time = Timestamp(milliseconds: milliseconds)
        return text(trace)
    }
}
