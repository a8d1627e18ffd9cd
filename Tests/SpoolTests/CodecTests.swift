import MailModel
import NIOCore
import Spool
import SwiftProtobuf
import Testing

@Suite("Codecs of records")
struct CodecTests {
    private func stored(_ record: SpoolRecord) -> StoredRecord {
        StoredRecord(
            position: Position(partition: 0, offset: 0), key: record.key, time: Timestamp(milliseconds: 0),
            envelope: record.envelope, value: record.value)
    }

    private func encoded(_ wire: some SwiftProtobuf.Message) throws -> ByteBuffer {
        ByteBuffer(bytes: try wire.serializedBytes() as [UInt8])
    }

    @Test("messages come back as they went")
    func messages() throws {
        var values = RandomValues(seed: 1)
        for _ in 0..<2000 {
            let message = values.message()
            let record = SpoolRecord(message)
            #expect(record.key == message.domain.name)
            #expect(record.value == message.content)
            let back = try MessageRecord(stored(record))
            #expect(back.queueID == message.queueID)
            #expect(back.part == message.part && back.parts == message.parts && back.arrival == message.arrival)
            #expect(back.envelope == message.envelope)
            #expect(back.wishes == message.wishes)
            #expect(back.origin == message.origin)
            #expect(back.messageID == message.messageID)
            #expect(back.content == message.content && back.size == message.size)
        }
    }

    @Test("entries and commands come back as they went")
    func entries() throws {
        var values = RandomValues(seed: 2)
        for _ in 0..<2000 {
            let entry = values.entry()
            #expect(try ScheduleEntry(decoding: entry.encoded()) == entry)
            let control = values.control()
            #expect(try ControlRecord(decoding: control.encoded()) == control)
        }
    }

    @Test("an entry with one recipient and a reply takes about 200 bytes")
    func size() {
        let domain = Domain(canonical: "example.org")
        var message = MessageRecord(
            queueID: QueueID(high: .max, low: .max), part: 0, parts: 1,
            arrival: Timestamp(milliseconds: 1_790_000_000_000),
            envelope: Envelope(
                reversePath: .mailbox(Mailbox(localPart: "newsletter", domain: Domain(canonical: "sender.example"))),
                recipients: [Recipient(mailbox: Mailbox(localPart: "somebody", domain: domain), index: 0)]),
            messageID: "<1234567890@sender.example>", content: ByteBuffer())
        message.wishes.tenant = "acme"
        var entry = ScheduleEntry(message, at: 123_456, expiry: message.arrival + .seconds(5 * 86400))
        entry.recipients[0].lastReply = Reply(450, StatusDetail(4, 2), "4.2.0 Greylisted, come back in five minutes")
        #expect(entry.encoded().readableBytes <= 220)
    }

    @Test("cut and changed bytes are refused or read as something, and never end the process")
    func hostile() {
        var values = RandomValues(seed: 3)
        var refused = 0
        for _ in 0..<3000 {
            let message = SpoolRecord(values.message())
            let sources = [message.envelope ?? ByteBuffer(), values.entry().encoded(), values.control().encoded()]
            for source in sources {
                var bytes = Array(source.readableBytesView)
                if values.bool() {
                    bytes.removeLast(min(bytes.count, values.number(0...bytes.count)))
                } else if !bytes.isEmpty {
                    for _ in 0..<values.number(1...4) {
                        bytes[values.number(0...(bytes.count - 1))] = UInt8(values.number(0...255))
                    }
                }
                let broken = ByteBuffer(bytes: bytes)
                var mail = message
                mail.envelope = broken
                do { _ = try MessageRecord(stored(mail)) } catch { refused += 1 }
                do { _ = try ScheduleEntry(decoding: broken) } catch { refused += 1 }
                do { _ = try ControlRecord(decoding: broken) } catch { refused += 1 }
            }
        }
        #expect(refused > 1000)
    }

    @Test("fields of a later version are ignored")
    func unknownFields() throws {
        var values = RandomValues(seed: 4)
        let entry = values.entry()
        var bytes = entry.encoded()
        bytes.writeBytes([0xFA, 0x3E, 0x03, 1, 2, 3])  // field 1007, length-delimited
        #expect(try ScheduleEntry(decoding: bytes) == entry)
    }

    @Test("what would end in an SMTP command is checked")
    func injection() throws {
        var values = RandomValues(seed: 5)
        let message = values.message()
        func refuses(_ code: SpoolError.Code, _ change: (inout WireMailEnvelope) -> Void) throws {
            var record = SpoolRecord(message)
            var wire = try WireMailEnvelope(serializedBytes: [UInt8](try #require(record.envelope).readableBytesView))
            change(&wire)
            record.envelope = try encoded(wire)
            let error = #expect(throws: SpoolError.self) { try MessageRecord(stored(record)) }
            #expect(error?.code == code)
        }
        try refuses(.corrupt) { $0.recipients[0].localPart = "a>\r\nRSET" }
        try refuses(.corrupt) { $0.recipients[0].domain = "a b" }
        try refuses(.corrupt) { $0.recipients[0].notify = 8 }
        try refuses(.corrupt) { ($0.reversePathLocalPart, $0.reversePathDomain) = ("a\n", "b.test") }
        try refuses(.corrupt) { $0.domain = String(repeating: "a", count: 256) }
        try refuses(.corrupt) { $0.body = 3 }
        try refuses(.corrupt) { $0.returnContent = 3 }
        try refuses(.corrupt) { $0.size += 1 }
        try refuses(.foreign) { $0.contentEncoding = "zstd" }
        try refuses(.foreign) { $0.keyID = "k1" }
    }

    @Test("a command with an unreadable selector is refused, not widened")
    func selector() throws {
        var wire = WireControl()
        wire.command.action = "fail"
        wire.command.selector.queueID = "nonsense"
        let unreadable = try encoded(wire)
        #expect(throws: SpoolError.self) { try ControlRecord(decoding: unreadable) }
        wire.command.selector = WireQueueSelector()
        wire.command.action = "explode"
        let unknown = try encoded(wire)
        #expect(throws: SpoolError.self) { try ControlRecord(decoding: unknown) }
        #expect(throws: SpoolError.self) { try ControlRecord(decoding: ByteBuffer()) }
        wire.suppression.target = "ann@example.org"
        wire.suppression.source = "manual"
        let known = try encoded(wire)
        #expect(try ControlRecord(decoding: known).key == "suppress//ann@example.org")
        for (target, source) in [("", "manual"), ("a b", "manual"), ("ann@example.org", "rumour")] {
            (wire.suppression.target, wire.suppression.source) = (target, source)
            let wrong = try encoded(wire)
            #expect(throws: SpoolError.self) { try ControlRecord(decoding: wrong) }
        }
    }

    @Test("keys of the schedule come back as they went; others are none")
    func keys() {
        var values = RandomValues(seed: 6)
        for _ in 0..<500 {
            let id = values.queueID()
            for key in [ScheduleKey.entry(id, part: 3), .notice(id, part: 0, attempt: 12)] {
                #expect(ScheduleKey(key.description) == key)
            }
        }
        let id = QueueID(high: 1, low: 2).description
        #expect(ScheduleKey("\(id)/3")?.description == "\(id)/3")
        for text in [
            "", "claim", "limit/gmail.com", id, "\(id)/", "\(id)/-1", "\(id)/1/dsn", "\(id)/1/dnd/2", "\(id)/1/dsn/2/3",
        ] {
            #expect(ScheduleKey(text) == nil, "\(text)")
        }
    }
}
