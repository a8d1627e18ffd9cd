import DeliveryPolicy
import MailModel
import NodeRuntime
import SMTPProtocol
import SMTPTransport

/// What tables say of clients, senders and recipients. Strings are made here, and only where there are tables.
struct AddressChecks: Sendable {
    let tables: IngressTables
    let rewriter: AddressRewriter
    private let unknown: UnknownRecipientPolicy
    private let hostname: Domain
    /// Domains whose unknown recipients are asked for elsewhere.
    private let verified: Set<Domain>

    /// - Returns: `nil` where no table is configured.
    init?(_ ingress: IngressConfiguration, tables: IngressTables) {
        rewriter = tables.rewriter
        guard ingress.tables.areGiven || !rewriter.isEmpty else { return nil }
        self.tables = tables
        unknown = ingress.tables.unknownRecipient
        hostname = ingress.hostname
        verified = Set(ingress.verify.hosts.map(\.domain))
    }

    var asksBeforeMail: Bool { !tables.senderAccess.isEmpty }

    /// The reply to a connection; clients understand 421 and 554 there (RFC 5321 §3.1).
    func clientRefusal(_ address: IPAddress) -> Reply? {
        guard case .refuse(let reply) = clientAction(address) else { return nil }
        return Reply(reply.code < 500 ? 421 : 554, reply.detail, reply.text)
    }

    func senderRefusal(_ sender: Mailbox?) -> Reply? {
        if case .refuse(let reply) = senderAction(sender) { reply } else { nil }
    }

    /// - Parameter isOurs: Whether its domain is one of ours.
    func verdict(_ recipient: Mailbox, isOurs: Bool) -> RecipientVerdict {
        if case .refuse(let reply) = recipientAction(recipient) { return .decline(reply) }
        let original = recipient
        let recipient = rewriter.recipient(recipient)
        switch tables.recipients.expand(recipient) {
        case .refused(let reply): return .decline(reply)
        case .expanded(let results): return .expand(results.count)
        case .noSuchUser: return .refuse(.userUnknown)
        case .unknown:
            // What a canonical table rewrites is known by it, as in Postfix.
            guard unknown == .reject, isOurs, recipient == original, !verified.contains(recipient.domain),
                !recipient.isPostmaster,
                !tables.isKnown(recipient)
            else {
                return .accept
            }
            return .refuse(.userUnknown)
        }
    }

    /// The address as it is to be asked for at its domain's host; `nil` where the tables know it.
    func questionable(_ recipient: Mailbox) -> Mailbox? {
        if recipientAction(recipient) == .ok { return nil }
        let recipient = rewriter.recipient(recipient)
        guard tables.recipients.expand(recipient) == .unknown, !tables.isKnown(recipient) else { return nil }
        return recipient
    }

    /// Whether a table has the mail thrown away: for its client, its sender, or any recipient, as in Postfix.
    func discards(_ envelope: Envelope, from client: ClientInfo) -> Bool {
        if tables.clientAccess.contains(where: \.discards), !client.isUnknown,
            let address = IPAddress(client.address), clientAction(address) == .discard
        {
            return true
        }
        if tables.senderAccess.contains(where: \.discards), senderAction(envelope.reversePath.mailbox) == .discard {
            return true
        }
        guard tables.recipientAccess.contains(where: \.discards) else { return false }
        return envelope.recipients.contains { recipientAction($0.mailbox) == .discard }
    }

    /// A mailbox of a session: `<postmaster>` without a domain is that of this host (RFC 5321 §4.5.1).
    func mailbox(_ localPart: Span<UInt8>, at domain: Span<UInt8>) -> Mailbox {
        Mailbox(
            localPart: localPart.text, domain: domain.isEmpty ? hostname : Domain(canonical: domain.text))
    }

    private func clientAction(_ address: IPAddress) -> AccessAction? {
        first(tables.clientAccess) { $0.action(ofClient: address) }
    }

    private func senderAction(_ sender: Mailbox?) -> AccessAction? {
        first(tables.senderAccess) { $0.action(of: sender, delimiters: tables.recipients.rules) }
    }

    private func recipientAction(_ recipient: Mailbox) -> AccessAction? {
        first(tables.recipientAccess) { $0.action(of: recipient, delimiters: tables.recipients.rules) }
    }

    /// The first table that has an answer; DUNNO goes on with the next one.
    private func first(_ tables: [AccessTable], _ ask: (AccessTable) -> AccessAction?) -> AccessAction? {
        for table in tables {
            if let action = ask(table), action != .dunno { return action }
        }
        return nil
    }
}

extension Mailbox {
    /// Every domain has one (RFC 5321 §4.5.1).
    var isPostmaster: Bool { localPart.lowercased() == "postmaster" }
}

extension Span<UInt8> {
    var text: String { withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) } }
}
