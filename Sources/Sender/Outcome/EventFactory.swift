import Crypto
import DeliveryPolicy
import MailModel
import NIOCore
import Spool

/// Builds the delivery events of this node and their records.
struct EventFactory {
    let node: String
    /// Partitions of `events`; an event lies in that of its mail record modulo this.
    let eventPartitions: Int
    private let allocator = ByteBufferAllocator()

    init(node: String, eventPartitions: Int) {
        self.node = node
        self.eventPartitions = eventPartitions
    }

    /// An event about one recipient of a queued message, with all that the message itself tells.
    func event(
        _ kind: DeliveryEvent.Kind, _ message: QueuedMessage, _ recipient: ScheduleEntry.Recipient, at time: Timestamp
    ) -> DeliveryEvent {
        let entry = message.entry
        var event = DeliveryEvent(kind, at: time)
        event.queueID = entry.queueID
        event.part = entry.part
        event.messageID = entry.messageID
        event.envelopeID = entry.envelopeID
        event.reversePath = entry.reversePath.description
        event.recipient = recipient.recipient.mailbox.description
        event.originalRecipient = recipient.recipient.originalRecipient
        event.domain = recipient.recipient.mailbox.domain.name
        event.pool = entry.wishes.pool
        event.tenant = entry.wishes.tenant
        event.campaign = entry.wishes.campaign
        event.attempt = recipient.attempts
        event.size = entry.size
        event.node = node
        event.eventID = Self.identity(entry.queueID, entry.part, recipient.recipient.index, recipient.attempts, kind)
        return event
    }

    func record(of event: DeliveryEvent, partition: Int) -> SpoolRecord {
        var buffer = allocator.buffer(capacity: 1024)
        event.writeJSON(into: &buffer)
        return SpoolRecord(
            .events, key: event.queueID?.description ?? "", partition: partition % eventPartitions, value: buffer)
    }

    /// The first 128 bits of SHA-256 over queue ID, part, recipient index, attempt and type, in hexadecimal: the same
    /// event written twice has the same identity.
    static func identity(
        _ queueID: QueueID, _ part: Int, _ recipient: Int, _ attempt: Int, _ kind: DeliveryEvent.Kind
    ) -> String {
        let digest = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { bytes in
            let words = [queueID.high, queueID.low, UInt64(part), UInt64(recipient), UInt64(attempt)]
            var count = 0
            for word in words {
                for shift in stride(from: 56, through: 0, by: -8) {
                    bytes[count] = UInt8(truncatingIfNeeded: word >> UInt64(shift))
                    count += 1
                }
            }
            for byte in kind.rawValue.utf8 {
                bytes[count] = byte
                count += 1
            }
            return SHA256.hash(data: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<count]))
        }
        return String(unsafeUninitializedCapacity: 32) { out in
            for (index, byte) in digest.prefix(16).enumerated() {
                out[2 * index] = hexDigit(byte >> 4)
                out[2 * index + 1] = hexDigit(byte & 15)
            }
            return 32
        }
    }

    private static func hexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }
}
