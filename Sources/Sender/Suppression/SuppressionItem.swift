package import MailModel

/// One entry of the suppression list in JSON, as the admin API and `apus suppress` write and take it.
package struct SuppressionItem: Codable, Equatable, Sendable {
    /// One of these two: a mailbox, or a domain (`*.example.org` for those below it).
    package var recipient: String?
    package var domain: String?
    package var tenant: String?
    package var source: String?
    package var reason: String?
    package var actor: String?
    package var time: String?
    package var expiry: String?
    package var `class`: String?
    package var reply: String?
    package var queueID: String?
    /// Its place in `control`, for the next page.
    package var offset: Int64?

    enum CodingKeys: String, CodingKey {
        case recipient, domain, tenant, source, reason, actor, time, expiry, `class`, reply
        case queueID = "queue_id"
        case offset
    }

    package init() {}

    package init(_ key: SuppressionKey) {
        tenant = key.tenant
        if key.target.isMailbox { recipient = "\(key.target)" } else { domain = "\(key.target)" }
    }

    package init(_ suppression: Suppression, offset: Int64? = nil) {
        self.init(suppression.key)
        source = suppression.source.rawValue
        reason = suppression.reason
        actor = suppression.actor
        time = suppression.created.description
        expiry = suppression.expiry?.description
        `class` = suppression.bounceClass
        reply = suppression.reply
        queueID = suppression.queueID?.description
        self.offset = offset
    }

    package var target: String { recipient ?? domain ?? "" }
}

/// Entries to be added: the body of a POST.
package struct SuppressionAddition: Codable, Sendable {
    package var entries: [SuppressionItem]
    package var actor: String?

    package init(entries: [SuppressionItem], actor: String?) { (self.entries, self.actor) = (entries, actor) }
}

/// How many entries a change was about.
package struct SuppressionTotals: Codable, Equatable, Sendable {
    package var added: Int?
    package var removed: Int?

    package init(added: Int? = nil, removed: Int? = nil) { (self.added, self.removed) = (added, removed) }
}

/// Whether mail would be suppressed, and by which entry.
package struct SuppressionVerdict: Codable, Equatable, Sendable {
    package var suppressed: Bool
    /// The entry, where there is one.
    package var by: SuppressionItem?

    package init(suppressed: Bool, by: SuppressionItem?) { (self.suppressed, self.by) = (suppressed, by) }
}

/// What cannot be an entry, and what is allowed.
package struct SuppressionRefusal: Error, Equatable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

extension Suppression {
    /// Longest reason and actor, in bytes: they stand in events.
    package static let textLimit = 255

    /// Reads an entry that somebody asks for.
    ///
    /// - Throws: What is wrong, with the key and what is allowed.
    package init(_ item: SuppressionItem, created now: Timestamp, actor: String?) throws(SuppressionRefusal) {
        let source = try Self.source(item.source)
        self.init(
            try Self.key(recipient: item.recipient, domain: item.domain, tenant: item.tenant), source, created: now,
            reason: try Self.text("reason", item.reason), actor: try Self.text("actor", item.actor ?? actor))
        guard let text = item.expiry else { return }
        guard let expiry = Timestamp(text), expiry > now else {
            throw SuppressionRefusal("expiry: \(text) is no moment to come, as 2030-01-31T00:00:00Z")
        }
        self.expiry = expiry
    }

    package static func key(
        recipient: String?, domain: String?, tenant: String?
    ) throws(SuppressionRefusal) -> SuppressionKey {
        let target: SuppressionTarget
        switch (recipient, domain) {
        case (let text?, nil):
            guard let read = SuppressionTarget(text), read.isMailbox else {
                throw SuppressionRefusal("recipient: \(text) is not a mailbox, as ann@example.org")
            }
            target = read
        case (nil, let text?):
            guard let read = SuppressionTarget(text), !read.isMailbox else {
                throw SuppressionRefusal("domain: \(text) is not a domain, as example.org or *.example.org")
            }
            target = read
        default: throw SuppressionRefusal("give either recipient or domain")
        }
        let key = SuppressionKey(tenant: try text("tenant", tenant), target)
        // Local parts beyond any limit of RFC 5321 would not come back from the log.
        guard SuppressionKey(key.description) == key else {
            throw SuppressionRefusal("recipient: its local part is too long")
        }
        return key
    }

    private static func source(_ text: String?) throws(SuppressionRefusal) -> Source {
        guard let text else { return .manual }
        guard let source = Source(rawValue: text) else {
            let names = Source.allCases.map(\.rawValue).joined(separator: ", ")
            throw SuppressionRefusal("source: \(text) is none of \(names)")
        }
        return source
    }

    private static func text(_ name: String, _ text: String?) throws(SuppressionRefusal) -> String? {
        guard let text, !text.isEmpty else { return nil }
        guard text.utf8.count <= textLimit, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw SuppressionRefusal("\(name): up to \(textLimit) bytes of printable text")
        }
        return text
    }
}
