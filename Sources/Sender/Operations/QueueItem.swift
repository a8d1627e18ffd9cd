import DeliveryPolicy
import MailModel
import Spool

/// One queued message part as the admin API and `apus queue` show it. Keys are those of delivery events.
package struct QueueItem: Codable, Sendable {
    package struct Recipient: Codable, Sendable {
        package var recipient: String
        package var orcpt: String?
        package var attempt: Int
        package var reply: String?
        /// Bounce class and severity of the latest failure, as in its event.
        package var `class`: String?
        package var severity: String?
        /// Chose the time of the next attempt (`sender.retry`).
        package var errorClass: String?

        enum CodingKeys: String, CodingKey {
            case recipient, orcpt, attempt, reply, `class`, severity
            case errorClass = "error_class"
        }
    }

    package var queueID: String
    package var part: Int
    package var state: String
    package var time: String
    package var expiry: String
    package var nextAttempt: String?
    package var attempt: Int
    package var reversePath: String
    package var recipients: [Recipient]
    package var domain: String
    package var site: String?
    package var source: String?
    package var pool: String?
    package var tenant: String?
    package var campaign: String?
    package var size: Int
    package var messageID: String?
    package var reason: String?
    package var partition: Int
    package var offset: Int64

    enum CodingKeys: String, CodingKey {
        case queueID = "queue_id"
        case part, state, time, expiry
        case nextAttempt = "next_attempt"
        case attempt
        case reversePath = "reverse_path"
        case recipients, domain, site, source, pool, tenant, campaign, size
        case messageID = "message_id"
        case reason, partition, offset
    }

    init(_ entry: ScheduleEntry, state: String, lane: LaneKey?, partition: Int) {
        queueID = entry.queueID.description
        part = entry.part
        self.state = state
        time = entry.arrival.description
        expiry = entry.expiry.description
        nextAttempt = state == "scheduled" || state == "parked" ? entry.due.description : nil
        attempt = entry.recipients.reduce(0) { max($0, $1.attempts) }
        reversePath = entry.reversePath.description
        recipients = entry.recipients.map { recipient in
            Recipient(
                recipient: recipient.recipient.mailbox.description, orcpt: recipient.recipient.originalRecipient,
                attempt: recipient.attempts, reply: recipient.lastReply?.description ?? recipient.lastFailure,
                class: recipient.bounceClass, severity: recipient.severity, errorClass: recipient.errorClass)
        }
        domain = entry.domain.name
        site = lane?.site
        source = lane?.source
        pool = entry.wishes.pool
        tenant = entry.wishes.tenant
        campaign = entry.wishes.campaign
        size = entry.size
        messageID = entry.messageID
        reason = entry.reason
        self.partition = partition
        offset = entry.offset
    }

    /// Memory knows better than the record what keeps a message that was put down.
    mutating func explain(_ lack: Lack?) {
        guard let lack else { return }
        (reason, nextAttempt) = (lack.value, lack.until?.description)
    }
}

/// Why a queued message part is not delivered yet: the gate that holds it (DESIGN §1, promise 6).
package struct WhyAnswer: Codable, Sendable {
    package var queueID: String
    package var part: Int
    package var recipients: [String]
    package var state: String
    package var gate: String
    package var value: String
    package var until: String?

    enum CodingKeys: String, CodingKey {
        case queueID = "queue_id"
        case part, recipients, state, gate, value, until
    }
}

/// Answer to a command about queued messages.
package struct CommandAnswer: Codable, Sendable {
    package struct Node: Codable, Sendable {
        package var node: String
        /// Recipients it applied to.
        package var matched: Int
    }

    /// The command's ID in `control`.
    package var command: String
    /// Nodes that answered in time.
    package var answers: [Node]
}
