package import MailModel

/// What is still to be done for one part of a message: the value of a `schedule` record.
///
/// Its key is `QUEUEID/part`, or `QUEUEID/part/dsn/attempt` for a DSN that is still to be written. It lies in the
/// `schedule` partition with the number of the `mail` partition that holds the content. It can end a message by
/// itself (expired, failed, dropped); only an attempt reads the content back.
package struct ScheduleEntry: Equatable, Sendable {
    package enum State: Int, Sendable {
        /// Waits for its due time after an attempt.
        case scheduled = 0
        /// Put down for lack of room before an attempt.
        case parked = 1
        /// Parked while its attempt runs: a successor treats it as not tried.
        case running = 2
        /// Waits for an operator.
        case held = 3
    }

    package struct Recipient: Equatable, Sendable {
        package var recipient: MailModel.Recipient
        /// Attempts made.
        package var attempts: Int
        /// Latest reply or, without one, the failure in words.
        package var lastReply: Reply?
        package var lastFailure: String?
        /// Name of the error class that chose the due time.
        package var errorClass: String?
        /// Of the latest failure, as its event has them.
        package var bounceClass: String?
        package var severity: String?
        /// The originator was told that it waits; that happens once.
        package var delayNotified = false

        package init(_ recipient: MailModel.Recipient, attempts: Int = 0) {
            self.recipient = recipient
            self.attempts = attempts
        }
    }

    package var queueID: QueueID
    package var part: Int
    package var parts: Int
    package var state: State
    /// Offset of the `mail` record.
    package var offset: Int64
    package var arrival: Timestamp
    package var expiry: Timestamp
    package var due: Timestamp
    /// When the latest attempt began; `nil` before the first.
    package var lastAttempt: Timestamp?
    package var reversePath: ReversePath
    package var envelopeID: String?
    package var returnContent: ReturnContent?
    package var wishes: Wishes
    package var messageID: String?
    package var size: Int
    package var failureDSN: Bool
    package var smtpUTF8: Bool
    /// Why it is parked or held.
    package var reason: String?
    package var recipients: [Recipient]
    /// The entry stands for a DSN to the reverse-path about these recipients, to be written to `mail`.
    package var isNotice: Bool
    /// The DSN tells of a delay (RFC 3464 §2.3.3); `due` is when that was found.
    package var isDelay = false
    /// Host that gave the final reply, for the DSN.
    package var remoteHost: String?
    /// Moment of the latest operator's command that changed the entry: earlier ones were carried out.
    package var lastCommand: Timestamp?
    /// Relay hosts that an operator chose in place of the routes, as `relay` of a route names them.
    package var relay: String?

    package init(_ record: MessageRecord, at offset: Int64, expiry: Timestamp) {
        queueID = record.queueID
        part = record.part
        parts = record.parts
        state = .scheduled
        self.offset = offset
        arrival = record.arrival
        self.expiry = expiry
        due = record.arrival
        reversePath = record.envelope.reversePath
        envelopeID = record.envelope.envelopeID
        returnContent = record.envelope.returnContent
        wishes = record.wishes
        messageID = record.messageID
        size = record.size
        failureDSN = record.origin.failureDSN
        smtpUTF8 = record.envelope.smtpUTF8
        recipients = record.envelope.recipients.map { Recipient($0) }
        isNotice = false
    }

    package var domain: Domain { recipients.first?.recipient.mailbox.domain ?? Domain(canonical: "") }
}
