import MailModel
import MessageFormat
import NIOCore
import NodeRuntime
import SMTPProtocol
import SMTPTransport
import Spool

/// Turns a received transaction into records for the spool: wishes, trace field, parts by destination.
struct Acceptance: Sendable {
    /// Recipients of one record, which is sent in one transaction.
    let recipientsPerPart: Int

    let node: String
    let hostname: String
    let sendsFailureDSN: Bool
    let wishFields: WishFields
    let pools: Set<String>
    /// `nil` where no tables are configured.
    let checks: AddressChecks?

    init(_ configuration: NodeConfiguration, listener: ListenerConfiguration, checks: AddressChecks? = nil) {
        self.checks = checks
        node = configuration.node
        hostname = configuration.ingress.hostname.name
        sendsFailureDSN = listener.sendsFailureDSN
        recipientsPerPart = min(100, configuration.sender.recipientsPerTransaction)
        pools = Set(configuration.sender.pools.map(\.name))
        var aliases: [String: WishFields.Meaning] = [:]
        for (field, name) in configuration.ingress.wishHeaders {
            aliases[field] = WishFields.Meaning(name.dropFirst(WishFields.prefix.utf8.count))
        }
        wishFields = WishFields(aliases: aliases)
    }

    /// - Returns: The parts of the message, or the reply that refuses it.
    func accept(
        _ transaction: ReceivedTransaction, from client: ClientInfo, queueID: QueueID, at time: Timestamp
    ) -> Result<[MessageRecord], Refusal> {
        var content = transaction.content
        let section = wishFields.scanner.scan(content)
        let messageID = section.messageIDText(in: content)
        var wishes = Wishes()
        if !section.listed.isEmpty {
            if client.isTrusted {
                let (read, problems) = wishFields.read(section, of: content)
                if let problem = problems.first { return .failure(Self.refusal(problem)) }
                if let pool = read.pool, !pools.contains(pool) {
                    return .failure(Refusal(Reply(550, StatusDetail(6, 0), "no pool is named \(pool)")))
                }
                wishes = read
            }
            wishFields.strip(section, from: &content)
        }
        trace(transaction, client, queueID, time).prepend(to: &content)
        let parts = parts(transaction, client, wishes, messageID: messageID, content, queueID: queueID, at: time)
        guard parts.count * content.readableBytes <= Self.copiesLimit || parts.count == 1 else {
            return .failure(Refusal(Reply(552, StatusDetail(3, 4), Self.tooManyCopies(parts.count))))
        }
        return .success(parts)
    }

    /// Octets that one message may take in the spool, where each destination has a copy: a list with many members must
    /// not fill it with one commit.
    private static let copiesLimit = 1_000_000_000

    private static func tooManyCopies(_ count: Int) -> String {
        "too large for \(count) destinations at once; send it to fewer recipients"
    }

    private func trace(
        _ transaction: ReceivedTransaction, _ client: ClientInfo, _ queueID: QueueID, _ time: Timestamp
    ) -> TraceField {
        let recipients = transaction.envelope.recipients
        return TraceField(
            ehlo: transaction.ehlo, clientAddress: client.address.isEmpty ? nil : client.address, host: hostname,
            transmission: Transmission(
                transaction.isESMTP ? .esmtp : .smtp, isEncrypted: transaction.tls != nil,
                isInternationalized: transaction.envelope.smtpUTF8),
            queueID: queueID, recipient: recipients.count == 1 ? recipients[0].mailbox : nil, tls: transaction.tls,
            time: time)
    }

    /// One record for each destination, more where it has very many recipients; their content is shared.
    private func parts(
        _ transaction: ReceivedTransaction, _ client: ClientInfo, _ wishes: Wishes, messageID: String?,
        _ content: ByteBuffer, queueID: QueueID, at time: Timestamp
    ) -> [MessageRecord] {
        var origin = Origin()
        if !client.address.isEmpty { origin.clientAddress = client.address }
        origin.user = client.login
        origin.ehlo = transaction.ehlo
        origin.listener = client.listener
        origin.session = client.sessionID
        origin.node = node
        origin.tls = transaction.tls
        origin.failureDSN = sendsFailureDSN
        let wholes = checks == nil ? nil : ExpandedEnvelope(transaction.envelope, checks).envelopes
        let envelopes = wholes?.flatMap(split) ?? split(transaction.envelope)
        return envelopes.enumerated().map { index, envelope in
            MessageRecord(
                queueID: queueID, part: index, parts: envelopes.count, arrival: time, envelope: envelope,
                wishes: wishes, origin: origin, messageID: messageID, content: content)
        }
    }

    private func split(_ whole: Envelope) -> [Envelope] {
        Self.split(whole.recipients, atMost: recipientsPerPart).map { recipients in
            var envelope = whole
            envelope.recipients = recipients
            return envelope
        }
    }

    static func split(_ recipients: [Recipient], atMost limit: Int) -> [[Recipient]] {
        if recipients.count == 1 { return [recipients] }
        var groups: [[Recipient]] = []
        var open: [Domain: Int] = [:]
        for recipient in recipients {
            if let group = open[recipient.mailbox.domain], groups[group].count < limit {
                groups[group].append(recipient)
            } else {
                open[recipient.mailbox.domain] = groups.count
                groups.append([recipient])
            }
        }
        return groups
    }

    private static func refusal(_ problem: WishFields.Problem) -> Refusal {
        Refusal(
            Reply(
                550, StatusDetail(6, 0),
                "\(problem.field): \"\(problem.value)\" is not understood; \(problem.expected) is allowed"))
    }

    /// A message that is not taken.
    struct Refusal: Error {
        let reply: Reply
        init(_ reply: Reply) { self.reply = reply }
    }
}
