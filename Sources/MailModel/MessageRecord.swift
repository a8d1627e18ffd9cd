package import NIOCore

/// One part of an accepted message: the recipients of one destination domain, and the content they share.
///
/// What ingress hands to the spool and the sender takes from it. A message to several domains is several parts of one
/// queue ID.
package struct MessageRecord: Sendable {
    package var queueID: QueueID
    /// From 0; a message has `parts` of them.
    package var part: Int
    package var parts: Int
    package var arrival: Timestamp
    package var envelope: Envelope
    package var wishes: Wishes
    package var origin: Origin
    /// `Message-ID` of the header section, with its angle brackets.
    package var messageID: String?
    /// Header section and body with CRLF line ends, not dot-stuffed.
    package var content: ByteBuffer
    /// Octets of the content; stands when the content itself is not in memory.
    package var size: Int

    package init(
        queueID: QueueID, part: Int, parts: Int, arrival: Timestamp, envelope: Envelope, wishes: Wishes = Wishes(),
        origin: Origin = Origin(), messageID: String? = nil, content: ByteBuffer
    ) {
        self.queueID = queueID
        self.part = part
        self.parts = parts
        self.arrival = arrival
        self.envelope = envelope
        self.wishes = wishes
        self.origin = origin
        self.messageID = messageID
        self.content = content
        size = content.readableBytes
    }

    /// Destination of every recipient of this part.
    package var domain: Domain { envelope.recipients.first?.mailbox.domain ?? Domain(canonical: "") }
}

/// Per-message wishes, from `X-Apus-*` header fields of trusted clients.
package struct Wishes: Equatable, Sendable {
    package var tenant: String?
    package var campaign: String?
    package var pool: String?
    /// 0 (last) to 100 (first).
    package var priority: Int?
    package var lifetime: Duration?
    /// `X-Apus-Tag-NAME: value`, names in lower case, in order.
    package var tags: [Tag] = []

    package struct Tag: Equatable, Sendable {
        package var name, value: String
        package init(name: String, value: String) { (self.name, self.value) = (name, value) }
    }

    package init() {}
}

/// How a message came in.
package struct Origin: Equatable, Sendable {
    /// Address of the client, without port; `nil` for messages the node itself wrote.
    package var clientAddress: String?
    package var ehlo: String?
    package var user: String?
    /// Name of the listener: its address and port unless the configuration names it.
    package var listener: String?
    package var session: String?
    /// Node that accepted it.
    package var node: String = ""
    package var tls: TLSFacts?
    /// Whether a failed recipient is reported to the reverse-path.
    package var failureDSN: Bool = true

    package init() {}
}

/// What was negotiated on a connection; absent where it was in clear.
package struct TLSFacts: Hashable, Sendable, Codable {
    /// As OpenSSL writes it: `TLSv1.3`.
    package var version: String
    package var cipher: String?
    /// Outbound: the policy that asked for it (`opportunistic`, `required`).
    package var policy: String?
    package var verified: Bool?

    package init(version: String, cipher: String? = nil, policy: String? = nil, verified: Bool? = nil) {
        self.version = version
        self.cipher = cipher
        self.policy = policy
        self.verified = verified
    }
}
