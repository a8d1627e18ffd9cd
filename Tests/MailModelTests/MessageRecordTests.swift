import MailModel
import NIOCore
import Testing

struct MessageRecordTests {
    @Test func sizeAndDomainAreThoseOfItsContentAndRecipients() throws {
        let mailbox = try #require(Mailbox("a@B.example"))
        let record = MessageRecord(
            queueID: QueueID(high: 1, low: 1), part: 0, parts: 1, arrival: Timestamp(milliseconds: 0),
            envelope: Envelope(reversePath: .null, recipients: [Recipient(mailbox: mailbox, index: 0)]),
            content: ByteBuffer(string: "Subject: x\r\n\r\n"))
        #expect(record.size == 14)
        #expect(record.domain.name == "b.example")
        #expect(record.origin.failureDSN)
    }
}
