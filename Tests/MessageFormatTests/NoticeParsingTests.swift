import Foundation
import MailModel
import MessageFormat
import NIOCore
import Testing

/// Another's parser must see what was meant: Python's `email` package.
@Suite struct NoticeParsingTests {
    private static let program = """
        import sys, email, email.policy
        message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
        print(message.get_content_type(), message.get_param("report-type"))
        for part in message.iter_parts():
            print(part.get_content_type(), len(part.defects))
            if part.get_content_type() == "text/plain":
                print("ö" in part.get_content())
            if part.get_content_type() == "message/delivery-status":
                for block in part.get_payload():
                    print("|".join(name for name in block.keys()))
            if part.get_content_type() == "message/rfc822":
                inner = part.get_payload(0)
                print(inner["Subject"], inner.get_payload(decode=True).decode("utf-8").count("\\n"))
        print(len(message.defects))
        """

    private func parse(_ content: ByteBuffer) throws -> [String] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-X", "utf8", "-c", Self.program]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(content.readableBytesView))
        try input.fileHandleForWriting.close()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return text.split(separator: "\n").map(String.init)
    }

    @Test func fullReturn() throws {
        var notice = DeliveryStatusNoticeTests.notice(
            content:
                "From: a@example.org\r\nSubject: hello\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                + "Content-Transfer-Encoding: 8bit\r\n\r\none \u{f6}\r\ntwo\r\n")
        var second = notice.recipients[0]
        second.mailbox = Mailbox(localPart: "j\u{f6}rg", domain: Domain(canonical: "example.net"))
        second.originalRecipient = "rfc822;c@example.net"
        notice.recipients.append(second)
        notice.envelopeID = "e1"
        let group = "Final-Recipient|Action|Status|Remote-MTA|Diagnostic-Code|Last-Attempt-Date"
        #expect(
            try parse(notice.write().content) == [
                "multipart/report delivery-status", "text/plain 0", "True", "message/delivery-status 0",
                "Original-Envelope-Id|Reporting-MTA|Arrival-Date", group, "Original-Recipient|" + group,
                "message/rfc822 0", "hello 2", "0",
            ])
    }

    @Test func headersOnly() throws {
        let notice = DeliveryStatusNoticeTests.notice(.delayed, content: DeliveryStatusNoticeTests.original)
        #expect(
            try parse(notice.write().content) == [
                "multipart/report delivery-status", "text/plain 0", "False", "message/delivery-status 0",
                "Reporting-MTA|Arrival-Date",
                "Final-Recipient|Action|Status|Remote-MTA|Diagnostic-Code|Last-Attempt-Date|Will-Retry-Until",
                "text/rfc822-headers 0", "0",
            ])
    }
}
