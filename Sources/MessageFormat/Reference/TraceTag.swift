package import MailModel

/// What the field `X-Apus-Ref` says of a message that left: `KEY.QUEUEID.PART.RECIPIENT.TENANT.MAC`, one word of
/// letters, digits, `.`, `-` and `_`, so that no fold and no transfer encoding falls into it.
///
/// The recipient is a place among all recipients of the message where the transaction had one; `-` where it had several,
/// which share one content: the tag then names those of the part. The tenant is in base64url, empty for none. The code
/// at the end (RFC 2104) is made and checked by whoever has the key.
package struct TraceTag: Equatable, Sendable {
    package static let field = "X-Apus-Ref"
    /// Characters of a tag: key, queue ID, a tenant of 255 octets, code.
    package static let maximumLength = 512

    package var keyID: String
    package var queueID: QueueID
    package var part: Int
    /// `nil`: the recipients of the part.
    package var recipient: Int?
    package var tenant: String?

    package init(keyID: String, queueID: QueueID, part: Int, recipient: Int?, tenant: String?) {
        self.keyID = keyID
        self.queueID = queueID
        self.part = part
        self.recipient = recipient
        self.tenant = tenant
    }

    /// All before the last point: what the code is made of.
    package var claims: String {
        let place = recipient.map { "\($0)" } ?? "-"
        return "\(keyID).\(queueID).\(part).\(place).\(Base64URL.encode((tenant ?? "").utf8))"
    }

    package func text(code: some Collection<UInt8>) -> String { "\(claims).\(Base64URL.encode(code))" }

    /// Reads the claims of a tag; whether they are true, only its code can tell.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength else { return nil }
        let pieces = text.split(separator: ".", omittingEmptySubsequences: false)
        guard pieces.count == 6, Self.isKeyID(pieces[0]), let queueID = QueueID(String(pieces[1])),
            let part = Self.number(pieces[2]), let tenant = Base64URL.decode(pieces[4].utf8),
            let tenantText = String(validating: tenant, as: UTF8.self)
        else { return nil }
        var recipient: Int?
        if pieces[3] != "-" {
            guard let number = Self.number(pieces[3]) else { return nil }
            recipient = number
        }
        self.init(
            keyID: String(pieces[0]), queueID: queueID, part: part, recipient: recipient,
            tenant: tenantText.isEmpty ? nil : tenantText)
    }

    /// 1 to 16 letters, digits, `-` and `_`.
    package static func isKeyID(_ text: some StringProtocol) -> Bool {
        (1...16).contains(text.utf8.count) && text.utf8.allSatisfy { Base64URL.value(of: $0) != nil }
    }

    private static func number(_ text: Substring) -> Int? {
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return Int(text)
    }
}
