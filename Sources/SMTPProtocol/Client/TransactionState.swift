import MailModel
import NIOCore

/// A transaction under way: what is to be sent, and what is known of its recipients so far.
struct TransactionState {
    let outbound: OutboundTransaction
    /// An address needs SMTPUTF8, or the message came with it.
    let needsUTF8: Bool
    var pieces: ContentPieces
    /// Recipients with a positive reply to RCPT.
    private(set) var accepted = 0
    /// Stands for every recipient without a result of its own.
    var failure: Failure?
    /// Reply to the final dot, likewise.
    var outcome: RecipientResult?
    /// Results of single recipients, in ascending order of their places. Empty for most transactions.
    private var decided: [(index: Int, result: RecipientResult)] = []

    init(_ outbound: OutboundTransaction, asChunk: Bool) {
        self.outbound = outbound
        needsUTF8 = outbound.smtpUTF8 || Self.hasNonASCIIAddress(outbound)
        pieces =
            asChunk
            ? .chunk(LastChunk(outbound.content, after: outbound.prefix))
            : .stuffed(DotStuffer(outbound.content, after: outbound.prefix))
    }

    var recipientCount: Int { outbound.recipients.count }

    /// Somebody may still get it.
    var isHopeful: Bool { failure == nil && accepted > 0 }

    /// Every recipient has its result.
    var isDecided: Bool { failure != nil || outcome != nil || decided.count == recipientCount }

    /// No reply to the content has come: all results so far are of RCPT.
    var isFirstAnswer: Bool { outcome == nil && decided.count == recipientCount - accepted }

    mutating func accept() { accepted += 1 }

    mutating func decide(_ index: Int, _ result: RecipientResult) {
        guard failure == nil else { return }
        let place = decided.firstIndex { $0.index > index } ?? decided.endIndex
        decided.insert((index, result), at: place)
    }

    /// Place of the first recipient without a result of its own.
    var firstUndecided: Int? {
        for (place, entry) in decided.enumerated() where entry.index != place { return place }
        return decided.count < recipientCount ? decided.count : nil
    }

    /// A lone dot instead of the content.
    mutating func sendNothing() { pieces = .stuffed(DotStuffer(ByteBuffer())) }

    func results() -> [RecipientResult] {
        let common =
            failure.map { RecipientResult.failed($0) } ?? outcome
            ?? .failed(Failure(stage: .mail, cause: .local, text: "the transaction was not carried out"))
        var results = [RecipientResult](repeating: common, count: recipientCount)
        for (index, result) in decided { results[index] = result }
        return results
    }
}

extension TransactionState {
    /// Why this host cannot take the message, found without asking it.
    func obstacle(_ offered: OfferedExtensions) -> Failure? {
        if recipientCount == 0 { return Self.local("a transaction has no recipient") }
        if outbound.reversePath.mailbox.map(ClientCommand.isWritable) == false
            || !outbound.recipients.allSatisfy({ ClientCommand.isWritable($0.mailbox) })
        {
            return Self.local("an address holds control characters")
        }
        if outbound.body == .binaryMIME { return Self.missing("the host takes no BINARYMIME") }
        if let limit = offered.sizeLimit, outbound.size > limit {
            return Self.missing("the message has \(outbound.size) octets, the host takes \(limit)")
        }
        if needsUTF8, !offered.contains(.smtpUTF8), Self.hasNonASCIIAddress(outbound) || hasNonASCIIHeader {
            return Self.missing("the message needs SMTPUTF8, which the host does not offer")
        }
        return nil
    }

    private static func missing(_ text: String) -> Failure {
        Failure(stage: .mail, cause: .missingExtension, text: text)
    }

    private static func local(_ text: String) -> Failure { Failure(stage: .mail, cause: .local, text: text) }

    private static func hasNonASCIIAddress(_ outbound: OutboundTransaction) -> Bool {
        outbound.reversePath.mailbox?.needsSMTPUTF8 == true
            || outbound.recipients.contains { $0.mailbox.needsSMTPUTF8 }
    }

    /// A message declared SMTPUTF8 whose header section is ASCII can go to any host.
    private var hasNonASCIIHeader: Bool {
        let bytes = outbound.content.readableBytesUInt8Span
        var blank = 0
        for index in bytes.indices {
            let byte = bytes[index]
            if byte >= 0x80 { return true }
            // Two line ends in a row end the header section (RFC 5322 §2.1).
            if byte == UInt8(ascii: "\n") {
                blank += 1
                if blank == 2 { return false }
            } else if byte != UInt8(ascii: "\r") {
                blank = 0
            }
        }
        return false
    }
}
