/// What happened to one recipient of a message, as logs, analytics, hooks and `apus trace` see it.
///
/// One record of the `events` topic, in JSON with stable field names (see `DeliveryEvent+JSON.swift`).
package struct DeliveryEvent: Equatable, Sendable {
    package enum Kind: String, Sendable, Codable, CaseIterable {
        case accepted, rejected, delivered, deferred, failed, expired, suppressed, dropped, complained
        case opened, clicked, unsubscribed
        case bouncedLater = "bounced_later"
        case setAside = "set_aside"
        case delayNotified = "delay_notified"
    }

    package var eventID: String = ""
    package var type: Kind
    package var time: Timestamp
    package var queueID: QueueID?
    package var part: Int?
    package var messageID: String?
    package var envelopeID: String?
    /// Empty for the null reverse-path.
    package var reversePath: String?
    package var recipient: String?
    package var originalRecipient: String?
    package var domain: String?
    package var site: String?
    package var provider: String?
    package var route: String?
    /// `smtp`, `lmtp`, `maildir`, `discard`.
    package var `protocol`: String?
    /// Name of the sending source, and the address it sends from.
    package var source: String?
    package var sourceAddress: String?
    package var pool: String?
    package var tenant: String?
    package var campaign: String?
    /// Attempts made, this one included; 0 where none was.
    package var attempt: Int?
    package var nextAttempt: Timestamp?
    package var reply: Reply?
    /// Bounce class of a failure, lasting or not.
    package var `class`: String?
    /// What the failure says about the address: `hard`, `soft`, `block`.
    package var severity: String?
    /// The connection was cut after the final dot: the next host may hold the message all the same (RFC 1047).
    package var ambiguous: Bool?
    package var remote: Remote?
    package var client: Client?
    package var listener: String?
    package var session: String?
    package var tls: TLSFacts?
    package var size: Int?
    package var node: String?
    package var reason: String?
    package var actor: String?
    package var timing: Timing?

    package struct Remote: Equatable, Sendable, Codable {
        package var host: String?
        package var address: String?
        package init(host: String?, address: String?) { (self.host, self.address) = (host, address) }
    }

    package struct Client: Equatable, Sendable, Codable {
        package var address: String?
        package var ehlo: String?
        package var user: String?
        package init(address: String?, ehlo: String?, user: String?) {
            (self.address, self.ehlo, self.user) = (address, ehlo, user)
        }
    }

    /// Milliseconds from arrival to the attempt, of connecting, and from MAIL to the last reply.
    package struct Timing: Equatable, Sendable {
        package var queued, connect, transfer: Int?
        package init(queued: Int? = nil, connect: Int? = nil, transfer: Int? = nil) {
            (self.queued, self.connect, self.transfer) = (queued, connect, transfer)
        }
    }

    package init(_ type: Kind, at time: Timestamp) {
        self.type = type
        self.time = time
    }
}
