/// The ledger as the metadata of a committed position.
///
/// `1`, then base64 of varints (LEB128): transaction, the seven totals, intake mark less committed offset, and for each
/// unfinished offset after the first how many offsets lie between it and the one before. The committed offset itself is
/// the position's. Kafka keeps 4,096 characters and fails the transaction of a longer one; 3,000 leave it room.
extension Ledger {
    package static let metadataLimit = 3_000
    private static let version = UInt8(ascii: "1")
    /// Bytes under the base64.
    private static let byteLimit = (metadataLimit - 1) / 4 * 3
    /// Of the head's nine varints, 10 bytes at most each: the unfinished offsets get what is left in any case.
    private static let offsetByteLimit = byteLimit - 90

    package var fits: Bool { overflow == 0 }

    /// How many of the oldest unfinished records must be parked before `metadata` can be written.
    package var overflow: Int {
        var (kept, bytes) = (0, 0)
        var later: Int64?
        offsetList.forEachFromLast { offset in
            if let later { bytes += Varint.size(UInt64(later - offset - 1)) }
            guard bytes <= Self.offsetByteLimit else { return false }
            later = offset
            kept += 1
            return true
        }
        return unfinishedCount - kept
    }

    /// - Returns: `nil` while it does not fit.
    package func metadata() -> String? {
        guard fits else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(90 + unfinishedCount)
        Varint.append(transaction, to: &bytes)
        for total in totals.inOrder { Varint.append(total, to: &bytes) }
        Varint.append(UInt64(intakeMark - committedOffset), to: &bytes)
        var previous: Int64?
        for offset in unfinished {
            if let previous { Varint.append(UInt64(offset - previous - 1), to: &bytes) }
            previous = offset
        }
        return String(decoding: [Self.version] + Base64.encode(bytes), as: UTF8.self)
    }

    /// Reads what `metadata` wrote.
    ///
    /// - Parameter offset: The committed offset the metadata came with.
    package init(metadata: String, committedOffset offset: Int64) throws(LedgerError) {
        let text = metadata.utf8
        guard offset >= 0, text.first == Self.version else { throw .unknownVersion }
        guard text.count <= Self.metadataLimit else { throw .tooLong }
        guard let bytes = Base64.decode(Array(text.dropFirst())) else { throw .notBase64 }
        var reader = Varint.Reader(bytes)
        let transaction = try reader.next()
        let totals = try Totals(from: &reader)
        let (mark, overflow) = offset.addingReportingOverflow(try reader.nextOffset())
        guard !overflow else { throw .outOfRange }
        var list = OffsetList()
        if mark > offset { list.append(offset) }
        var previous = offset
        while !reader.isAtEnd {
            let between = try reader.nextOffset()
            guard between < mark - previous - 1 else { throw .outOfRange }
            previous += between + 1
            list.append(previous)
        }
        self.init(intakeMark: mark, totals: totals, transaction: transaction, unfinished: list)
    }
}

/// Why the metadata of a committed position is no ledger. Nothing is guessed in its place.
package enum LedgerError: String, Error, Sendable {
    case unknownVersion, tooLong, notBase64, truncated, outOfRange
}

extension Ledger.Totals {
    var inOrder: [UInt64] { [accepted, delivered, failed, expired, suppressed, dropped, setAside] }

    init(from reader: inout Varint.Reader) throws(LedgerError) {
        accepted = try reader.next()
        delivered = try reader.next()
        failed = try reader.next()
        expired = try reader.next()
        suppressed = try reader.next()
        dropped = try reader.next()
        setAside = try reader.next()
    }
}
