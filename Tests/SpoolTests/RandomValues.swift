import MailModel
import NIOCore
import Spool

/// Values of every shape the records can have.
struct RandomValues {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int { range.lowerBound + Int(next() % UInt64(range.count)) }
    mutating func bool() -> Bool { next() & 1 == 1 }

    mutating func text() -> String {
        let alphabet = Array("abcäöß漢 \"'<>@.=\\")
        return String((0..<number(0...20)).map { _ in alphabet[number(0...(alphabet.count - 1))] })
    }

    mutating func optional() -> String? { bool() ? text() : nil }
    mutating func domain() -> Domain { Domain(canonical: "d\(number(0...5)).test") }
    mutating func mailbox(_ domain: Domain) -> Mailbox { Mailbox(localPart: text(), domain: domain) }
    mutating func queueID() -> QueueID { QueueID(high: next(), low: next()) }
    mutating func moment() -> Timestamp { Timestamp(milliseconds: Int64(number(0...4_000_000_000_000))) }

    mutating func recipient(_ domain: Domain) -> Recipient {
        Recipient(
            mailbox: mailbox(bool() ? domain : self.domain()), index: number(0...100_000),
            notify: bool() ? Notify(rawValue: UInt8(number(0...7))) : nil, originalRecipient: optional())
    }

    mutating func wishes() -> Wishes {
        var wishes = Wishes()
        guard bool() else { return wishes }
        (wishes.tenant, wishes.campaign, wishes.pool) = (optional(), optional(), optional())
        wishes.priority = bool() ? number(0...100) : nil
        wishes.lifetime = bool() ? .milliseconds(number(0...1_000_000_000)) : nil
        wishes.tags = (0..<number(0...3)).map { _ in Wishes.Tag(name: text(), value: text()) }
        return wishes
    }

    mutating func origin() -> Origin {
        var origin = Origin()
        (origin.clientAddress, origin.ehlo, origin.user) = (optional(), optional(), optional())
        (origin.listener, origin.session, origin.node) = (optional(), optional(), text())
        if bool() {
            origin.tls = TLSFacts(
                version: text(), cipher: optional(), policy: optional(), verified: bool() ? bool() : nil)
        }
        origin.failureDSN = bool()
        return origin
    }

    mutating func message() -> MessageRecord {
        let domain = domain()
        let envelope = Envelope(
            reversePath: bool() ? .null : .mailbox(mailbox(self.domain())),
            recipients: (0..<number(1...5)).map { _ in recipient(domain) }, envelopeID: optional(),
            returnContent: bool() ? (bool() ? .full : .headers) : nil,
            body: BodyType(rawValue: UInt8(number(0...2))) ?? .sevenBit, smtpUTF8: bool())
        return MessageRecord(
            queueID: queueID(), part: number(0...9), parts: number(10...20), arrival: moment(), envelope: envelope,
            wishes: wishes(), origin: origin(), messageID: optional(), content: ByteBuffer(string: text()))
    }

    mutating func entry() -> ScheduleEntry {
        var entry = ScheduleEntry(message(), at: Int64(number(0...1 << 40)), expiry: moment())
        entry.due = moment()
        entry.lastAttempt = bool() ? moment() : nil
        entry.lastCommand = bool() ? moment() : nil
        entry.relay = optional()
        entry.state = ScheduleEntry.State(rawValue: number(0...3)) ?? .held
        (entry.reason, entry.remoteHost, entry.isNotice) = (optional(), optional(), bool())
        entry.size = number(0...1 << 40)
        entry.isDelay = bool()
        for index in entry.recipients.indices {
            entry.recipients[index].attempts = number(0...50)
            if bool() {
                let detail = bool() ? StatusDetail(UInt16(number(0...999)), UInt16(number(0...999))) : nil
                entry.recipients[index].lastReply = Reply(UInt16(number(200...599)), detail, text())
            }
            entry.recipients[index].lastFailure = optional()
            entry.recipients[index].errorClass = optional()
            entry.recipients[index].bounceClass = optional()
            entry.recipients[index].severity = optional()
            entry.recipients[index].delayNotified = bool()
        }
        return entry
    }

    mutating func suppression() -> Suppression {
        let mailbox = Mailbox(localPart: "r\(number(0...99))", domain: Domain(canonical: "d\(number(0...99)).test"))
        let targets: [SuppressionTarget] = [
            SuppressionTarget(mailbox), .domain(mailbox.domain), .below(mailbox.domain),
        ]
        var suppression = Suppression(
            SuppressionKey(tenant: bool() ? "t/\(number(0...9))%" : nil, targets[number(0...2)]),
            Suppression.Source.allCases[number(0...2)], created: moment(), expiry: bool() ? moment() : nil,
            reason: optional(), actor: optional())
        (suppression.bounceClass, suppression.reply) = (optional(), optional())
        suppression.queueID = bool() ? queueID() : nil
        return suppression
    }

    mutating func control() -> ControlRecord {
        if number(0...2) == 0 { return .suppression(suppression()) }
        if bool() { return .answer(QueueAnswer(command: queueID(), node: text(), matched: number(0...1 << 40))) }
        var selector = QueueSelector()
        selector.queueID = bool() ? queueID() : nil
        (selector.domain, selector.site, selector.tenant) = (optional(), optional(), optional())
        (selector.campaign, selector.pool, selector.state) = (optional(), optional(), optional())
        let action = QueueCommand.Action.allCases[number(0...2)]
        return .command(
            QueueCommand(
                id: queueID(), action: action, selector: selector, issued: moment(), actor: text(), reason: optional()))
    }
}
