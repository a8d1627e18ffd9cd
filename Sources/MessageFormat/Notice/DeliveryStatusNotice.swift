package import MailModel
package import NIOCore

/// A delivery status notification (RFC 3464) about one message: to its reverse-path, with the null reverse-path.
package struct DeliveryStatusNotice: Sendable {
    /// RFC 3464 §2.3.3.
    package enum Action: String, Sendable { case failed, delayed, delivered, relayed }

    package struct Recipient: Sendable {
        package var mailbox: Mailbox
        /// ORCPT as `addr-type;address`, decoded.
        package var originalRecipient: String?
        package var action: Action
        /// `5.1.1`; without it that of the reply or, where it has none or another class than the action, `5.0.0` or
        /// `4.0.0`.
        package var status: String?
        /// Host that gave the reply, or that was tried last.
        package var remoteHost: String?
        package var reply: Reply?
        /// Why, where there is no reply: constant words of ours.
        package var reason: String?
        package var lastAttempt: Timestamp?
        /// For a delay: when attempts end.
        package var willRetryUntil: Timestamp?

        package init(_ mailbox: Mailbox, _ action: Action) {
            self.mailbox = mailbox
            self.action = action
        }
    }

    /// Of the notice itself: it makes Message-ID and boundary.
    package var queueID: QueueID
    package var date: Timestamp
    /// Name of the node; notices come from MAILER-DAEMON there.
    package var host: String
    package var to: Mailbox
    package var recipients: [Recipient]
    /// Queue ID, arrival, ENVID, RET and Message-ID of the message it is about.
    package var originalQueueID: QueueID
    package var arrival: Timestamp
    package var envelopeID: String?
    package var returnContent: ReturnContent?
    package var originalMessageID: String?
    /// The message came with SMTPUTF8: its header section may be UTF-8.
    package var originalIsInternationalized = false
    /// EHLO name or address of the client the message came from.
    package var receivedFrom: String?
    /// The message; `nil` returns nothing of it.
    package var content: ByteBuffer?
    /// Bytes of content returned at most; of a longer message only the header section is.
    package var maximumReturned = 50_000

    package init(
        queueID: QueueID, date: Timestamp, host: String, to: Mailbox, recipients: [Recipient],
        originalQueueID: QueueID, arrival: Timestamp
    ) {
        self.queueID = queueID
        self.date = date
        self.host = host
        self.to = to
        self.recipients = recipients
        self.originalQueueID = originalQueueID
        self.arrival = arrival
    }

    /// A notice as it goes into the spool, and what MAIL must say of it.
    package struct Message: Sendable {
        package var content: ByteBuffer
        /// With its angle brackets.
        package var messageID: String
        package var body: BodyType
        package var smtpUTF8: Bool
    }

    package func write() -> Message {
        var writer = NoticeWriter(self)
        return writer.write()
    }

    /// The gravest of all recipients, for subject and first words.
    var action: Action {
        let order: [Action] = [.failed, .delayed, .relayed]
        return order.first { action in recipients.contains { $0.action == action } } ?? .delivered
    }
}

extension DeliveryStatusNotice.Recipient {
    /// Never of a class that contradicts the action (RFC 3464 §2.3.4), but for a failure after transient errors only,
    /// whose last status says more than any other.
    package var statusCode: String {
        if let status { return FieldText.printable(status, limit: 16) }
        let enhanced = reply?.enhanced
        switch action {
        case .failed: return enhanced.flatMap { $0.hasPrefix("2") ? nil : $0 } ?? "5.0.0"
        case .delayed: return enhanced.flatMap { $0.hasPrefix("4") ? $0 : nil } ?? "4.0.0"
        case .delivered, .relayed: return enhanced.flatMap { $0.hasPrefix("2") ? $0 : nil } ?? "2.0.0"
        }
    }
}
