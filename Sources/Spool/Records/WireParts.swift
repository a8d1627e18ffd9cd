internal import MailModel

// Parts that several kinds of record share. What is read is checked as if a peer had sent it: it ends in SMTP commands.

extension WireRecipient {
    /// - Parameter domain: The record's; written again only where the recipient's differs.
    init(_ recipient: Recipient, of domain: Domain) {
        localPart = recipient.mailbox.localPart
        if recipient.mailbox.domain != domain { self.domain = recipient.mailbox.domain.name }
        index = UInt32(clamping: recipient.index)
        if let notify = recipient.notify { self.notify = UInt32(notify.rawValue) }
        if let original = recipient.originalRecipient { originalRecipient = original }
    }

    func recipient(of domain: Domain) throws(SpoolError) -> Recipient {
        let own = self.domain.isEmpty ? domain : try WireText.domain(self.domain)
        guard notify <= 7 else { throw SpoolError(.corrupt, "a record with NOTIFY \(notify)") }
        return Recipient(
            mailbox: Mailbox(localPart: try WireText.localPart(localPart), domain: own), index: Int(index),
            notify: hasNotify ? Notify(rawValue: UInt8(notify)) : nil,
            originalRecipient: hasOriginalRecipient ? originalRecipient : nil)
    }
}

extension WireWishes {
    /// - Returns: `nil` where nothing was wished, which is most mail.
    init?(_ wishes: Wishes) {
        guard wishes != Wishes() else { return nil }
        if let tenant = wishes.tenant { self.tenant = tenant }
        if let campaign = wishes.campaign { self.campaign = campaign }
        if let pool = wishes.pool { self.pool = pool }
        if let priority = wishes.priority { self.priority = UInt32(clamping: priority) }
        if let lifetime = wishes.lifetime { lifetimeMs = lifetime.wholeMilliseconds }
        tags = wishes.tags.map { tag in
            var wire = WireWishes.Tag()
            (wire.name, wire.value) = (tag.name, tag.value)
            return wire
        }
    }

    var wishes: Wishes {
        var wishes = Wishes()
        if hasTenant { wishes.tenant = tenant }
        if hasCampaign { wishes.campaign = campaign }
        if hasPool { wishes.pool = pool }
        if hasPriority { wishes.priority = Int(priority) }
        if hasLifetimeMs { wishes.lifetime = .milliseconds(lifetimeMs) }
        wishes.tags = tags.map { Wishes.Tag(name: $0.name, value: $0.value) }
        return wishes
    }
}

extension WireReply {
    init(_ reply: Reply) {
        code = UInt32(reply.code)
        if let detail = reply.detail { (subject, self.detail) = (UInt32(detail.subject), UInt32(detail.detail)) }
        text = reply.text
    }

    func reply() throws(SpoolError) -> Reply {
        guard (200...599).contains(code), subject <= 999, detail <= 999 else {
            throw SpoolError(.corrupt, "a record with the reply code \(code) \(subject).\(detail)")
        }
        let known = hasSubject ? StatusDetail(UInt16(subject), UInt16(detail)) : nil
        return Reply(UInt16(code), known, text)
    }
}

/// Readers of the texts that are written into commands of later sessions.
enum WireText {
    static func reversePath(_ localPart: String, _ domain: String) throws(SpoolError) -> ReversePath {
        if domain.isEmpty { return .null }
        return .mailbox(Mailbox(localPart: try self.localPart(localPart), domain: try self.domain(domain)))
    }

    static func localPart(_ text: String) throws(SpoolError) -> String {
        guard text.utf8.count <= 256, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw SpoolError(.corrupt, "a record with a local part of control characters or over 256 bytes")
        }
        return text
    }

    static func domain(_ text: String) throws(SpoolError) -> Domain {
        guard text.utf8.count <= 255, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw SpoolError(.corrupt, "a record with a domain that is not ASCII or over 255 bytes")
        }
        return Domain(canonical: text)
    }

    static func returnContent(_ value: UInt32) throws(SpoolError) -> ReturnContent? {
        if value == 0 { return nil }
        guard let known = UInt8(exactly: value).flatMap(ReturnContent.init) else {
            throw SpoolError(.corrupt, "a record with RET \(value)")
        }
        return known
    }
}
