internal import MailModel

/// Envelope under construction, in storage that is used again for the next: octets in one array, slots in another.
///
/// Strings are made once a message, when it is handed over.
struct EnvelopeArena: Sendable {
    struct RecipientSlot: Sendable {
        var path: ParsedPath
        var originalRecipient: Range<Int>?
        var notify: Notify?
    }

    /// Beyond this the storage is given back after the message.
    private static let keptBytes = 16 << 10

    var bytes: [UInt8] = []
    private(set) var recipients: [RecipientSlot] = []
    /// One for each recipient, so that a look for duplicates touches little memory.
    private var hashes: [UInt64] = []

    var reversePath = ParsedPath()
    var envelopeID: Range<Int>?
    var returnContent: ReturnContent?
    var body = BodyType.sevenBit
    var isSMTPUTF8 = false
    /// SIZE of MAIL; 0 where it was not given.
    var declaredSize = 0
    /// Recipients that those here stand for.
    var copies = 0

    init() {
        bytes.reserveCapacity(1024)
        recipients.reserveCapacity(8)
        hashes.reserveCapacity(8)
    }

    mutating func removeAll() {
        if bytes.capacity > Self.keptBytes {
            self = EnvelopeArena()
            return
        }
        bytes.removeAll(keepingCapacity: true)
        recipients.removeAll(keepingCapacity: true)
        hashes.removeAll(keepingCapacity: true)
        reversePath = ParsedPath()
        (envelopeID, returnContent, body, isSMTPUTF8, declaredSize, copies) = (nil, nil, .sevenBit, false, 0, 0)
    }

    /// Takes back what was put into the arena last.
    mutating func truncate(to count: Int) { bytes.removeLast(bytes.count - count) }

    mutating func append(_ slot: RecipientSlot) {
        recipients.append(slot)
        hashes.append(hash(slot.path.all))
    }

    /// Whether the same local part, to the letter, and domain is among the recipients already.
    func contains(_ path: ParsedPath) -> Bool {
        let wanted = hash(path.all)
        for index in hashes.indices where hashes[index] == wanted {
            if isSame(recipients[index].path, path) { return true }
        }
        return false
    }

    private func isSame(_ a: ParsedPath, _ b: ParsedPath) -> Bool {
        guard a.localCount == b.localCount, a.domainCount == b.domainCount else { return false }
        for offset in 0..<a.localCount + a.domainCount where bytes[a.start + offset] != bytes[b.start + offset] {
            return false
        }
        return true
    }

    /// - Parameter postmasterDomain: Domain of recipients that have none.
    func envelope(postmasterDomain: Domain) -> Envelope {
        var envelope = Envelope(
            reversePath: reversePath.isNull ? .null : .mailbox(mailbox(reversePath, default: postmasterDomain)),
            envelopeID: envelopeID.map(string), returnContent: returnContent, body: body, smtpUTF8: isSMTPUTF8)
        envelope.recipients.reserveCapacity(recipients.count)
        for (index, slot) in recipients.enumerated() {
            envelope.recipients.append(
                Recipient(
                    mailbox: mailbox(slot.path, default: postmasterDomain), index: index, notify: slot.notify,
                    originalRecipient: slot.originalRecipient.map(string)))
        }
        return envelope
    }

    private func mailbox(_ path: ParsedPath, default domain: Domain) -> Mailbox {
        Mailbox(
            localPart: string(path.localPart),
            domain: path.hasDomain ? Domain(canonical: string(path.domain)) : domain)
    }

    private func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// FNV-1a. Collisions cost a comparison, no more.
    private func hash(_ range: Range<Int>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in range { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01B3 }
        return hash
    }
}
