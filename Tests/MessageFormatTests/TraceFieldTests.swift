import MailModel
import NIOCore
import Testing

@testable import MessageFormat

@Suite struct TraceFieldTests {
    private let time = Timestamp(milliseconds: 1_795_457_108_000)

    private func field(ehlo: String? = "client.example", client: String? = "192.0.2.1") -> TraceField {
        TraceField(
            ehlo: ehlo, clientAddress: client, host: "mx1.example.org", transmission: Transmission(.esmtp),
            queueID: QueueID(high: 1, low: 2), time: time)
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
        #expect(String(buffer: trace.text()) == expected)
    }

    @Test func withoutRecipientOrClient() {
        let text = String(buffer: field(ehlo: nil, client: nil).text())
        #expect(
            text == "Received: by mx1.example.org with ESMTP id 0000000000000G000000000002;\r\n"
                + "\tMon, 23 Nov 2026 18:05:08 +0000\r\n")
        #expect(String(buffer: field(client: "2001:db8::1").text()).contains("([IPv6:2001:db8::1])"))
        #expect(String(buffer: field(ehlo: "[192.0.2.1]").text()).contains("from [192.0.2.1] ("))
    }

    @Test func usesHeadroomWithoutMovingContent() {
        var buffer = content(headroom: TraceField.headroom)
        let body = buffer.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        field().prepend(to: &buffer)
        let length = field().text().readableBytes
        #expect(buffer.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) } == body - UInt(length))
        #expect(String(buffer: buffer) == String(buffer: field().text()) + "Subject: x\r\n\r\nbody\r\n")
    }

    @Test func copiesWhereRoomIsShort() {
        var buffer = content(headroom: 10)
        field().prepend(to: &buffer)
        #expect(String(buffer: buffer) == String(buffer: field().text()) + "Subject: x\r\n\r\nbody\r\n")
    }

    @Test(arguments: [
        "a\r\nX-Evil: yes", "a b", "(comment", "a;b", "[unclosed", "\"", "\u{e9}t\u{e9}", "\0", "", "[]", "[a]b]",
        String(repeating: "x", count: 5000), "a>b<c", "\\",
    ])
    func hostileGreetingsAreHarmless(ehlo: String) throws {
        let text = String(buffer: field(ehlo: ehlo).text())
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
        let text = String(buffer: trace.text())
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
        #expect(!String(buffer: trace.text()).contains("for <"))
        trace.transmission.isInternationalized = true
        #expect(String(buffer: trace.text()).contains("for <j\u{f6}rg@example.net>;"))
    }

    @Test func dates() {
        #expect(Timestamp(milliseconds: 0).mailDate == "Thu, 1 Jan 1970 00:00:00 +0000")
        #expect(Timestamp(milliseconds: -1).mailDate == "Wed, 31 Dec 1969 23:59:59 +0000")
        #expect(Timestamp(milliseconds: .min / 2).mailDate.contains(" 0000 "))
    }
}
