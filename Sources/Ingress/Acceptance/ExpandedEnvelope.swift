import DeliveryPolicy
import MailModel
import NodeRuntime

/// An envelope after rewriting and the tables: what is delivered to whom, in whose name.
struct ExpandedEnvelope: Equatable {
    /// Envelopes that differ in their reverse-path; the first is that of the originator.
    var envelopes: [Envelope]

    /// - Parameter checks: `nil` leaves the envelope as it is.
    init(_ envelope: Envelope, _ checks: AddressChecks?) {
        guard let checks else {
            envelopes = [envelope]
            return
        }
        var own = envelope
        own.recipients = []
        if case .mailbox(let sender) = envelope.reversePath {
            own.reversePath = .mailbox(checks.rewriter.sender(sender))
        }
        envelopes = [own]
        var places: [MailingList: Int] = [:]
        var seen: Set<Mailbox> = []
        for given in envelope.recipients {
            let rewritten = checks.rewriter.recipient(given.mailbox)
            let results = Self.results(checks.tables.recipients.expand(rewritten), rewritten)
            for result in results where seen.insert(result.mailbox).inserted {
                var recipient = Self.recipient(given, becomes: result, among: results.count)
                recipient.index = seen.count - 1
                // A bounce stays one: it must not come back to anybody (RFC 5321 §4.5.5).
                guard let list = result.list, own.reversePath != .null else {
                    envelopes[0].recipients.append(recipient)
                    continue
                }
                let place = places[list] ?? envelopes.count
                if places.updateValue(place, forKey: list) == nil { envelopes.append(Self.envelope(own, of: list)) }
                envelopes[place].recipients.append(recipient)
            }
        }
        envelopes.removeAll(where: \.recipients.isEmpty)
    }

    private static func results(_ expansion: RecipientExpansion, _ mailbox: Mailbox) -> [ExpandedRecipient] {
        if case .expanded(let results) = expansion { return results }
        // What is refused was refused at RCPT, by the same tables.
        return [ExpandedRecipient(mailbox: mailbox)]
    }

    /// A list is an originator of its own: what the first one asked for does not go on (RFC 3461 §5.2.7.3).
    private static func envelope(_ envelope: Envelope, of list: MailingList) -> Envelope {
        var envelope = envelope
        envelope.reversePath = .mailbox(list.owner)
        (envelope.envelopeID, envelope.returnContent) = (nil, nil)
        return envelope
    }

    /// ORCPT names the address that was given in RCPT. NOTIFY goes on to one result; with several, SUCCESS was the
    /// alias's to answer (RFC 3461 §5.2.7.1 and .2), as Postfix has it.
    private static func recipient(_ given: Recipient, becomes result: ExpandedRecipient, among count: Int) -> Recipient
    {
        var recipient = given
        recipient.mailbox = result.mailbox
        if let list = result.list {
            recipient.notify = nil
            recipient.originalRecipient = original(list.address)
            return recipient
        }
        if result.mailbox != given.mailbox, given.originalRecipient == nil {
            recipient.originalRecipient = original(given.mailbox)
        }
        if count > 1 { recipient.notify = given.notify.map { $0.subtracting(.success) } }
        return recipient
    }

    private static func original(_ mailbox: Mailbox) -> String {
        (mailbox.needsSMTPUTF8 ? "utf-8;" : "rfc822;") + mailbox.description
    }
}
