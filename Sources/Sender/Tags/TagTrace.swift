import MailModel
import MessageFormat
package import NIOCore
import NodeRuntime
package import Spool

/// What a trace tag tells: whose message it is, and what became of it while the log remembers.
package enum TagTrace {
    /// What a true tag says.
    private struct Claim: Encodable {
        let ref, key, queueID, time: String
        let part: Int
        let recipientIndex: Int?
        let tenant: String?

        enum CodingKeys: String, CodingKey {
            case ref, key, time, part, tenant
            case queueID = "queue_id"
            case recipientIndex = "recipient_index"
        }
    }

    /// What must be looked at in an event to know whether it is about one recipient.
    private struct Subject: Decodable {
        let eventID, type: String
        let part, attempt: Int?

        enum CodingKeys: String, CodingKey {
            case eventID = "event_id"
            case type, part, attempt
        }
    }

    /// One line of JSON about the tag, then an event a line.
    package static func lines(
        of text: String, _ tags: TraceTags, in spool: any Spool
    ) async throws -> [ByteBuffer] {
        let tag = try tags.check(text)
        let claim = Claim(
            ref: text, key: tag.keyID, queueID: tag.queueID.description, time: tag.queueID.time.description,
            part: tag.part, recipientIndex: tag.recipient, tenant: tag.tenant)
        let events = try await MessageTrace.events(of: tag.queueID, in: spool)
        return try [AdminJSON.line(claim)] + events.filter { try isAbout(tag, $0) }
    }

    /// An event does not name the place of its recipient; its identity is made of it.
    private static func isAbout(_ tag: TraceTag, _ event: ByteBuffer) throws -> Bool {
        let subject = try AdminJSON.decode(Subject.self, from: event)
        guard subject.part == nil || subject.part == tag.part else { return false }
        guard let recipient = tag.recipient, let kind = DeliveryEvent.Kind(rawValue: subject.type) else { return true }
        return subject.eventID
            == EventFactory.identity(tag.queueID, tag.part, recipient, subject.attempt ?? 0, kind)
    }
}
