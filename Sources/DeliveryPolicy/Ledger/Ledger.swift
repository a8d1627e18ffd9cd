/// What a sender knows of one partition of `mail`: how far it has taken it in, what of that is unfinished, and the
/// recipients so far by their end. It is committed with the outcomes it counts, so that it holds in the log (DESIGN §6).
///
/// A record is unfinished until its recipients have ended or its schedule entry stands. Offsets finish out of order;
/// the committed offset is the lowest unfinished one. Taking and finishing cost O(log n), mostly O(1).
package struct Ledger: Equatable, Sendable {
    /// Every record below it is taken in: its `accepted` event is in the log.
    package private(set) var intakeMark: Int64
    package var totals: Totals
    /// Number of the transaction that wrote it, by which a sender tells whether one of unknown result was applied.
    package var transaction: UInt64
    private var offsets: OffsetList
    var offsetList: OffsetList { offsets }

    package init(intakeMark: Int64 = 0, totals: Totals = Totals(), transaction: UInt64 = 0) {
        self.init(intakeMark: intakeMark, totals: totals, transaction: transaction, unfinished: OffsetList())
    }

    init(intakeMark: Int64, totals: Totals, transaction: UInt64, unfinished: OffsetList) {
        self.intakeMark = intakeMark
        self.totals = totals
        self.transaction = transaction
        offsets = unfinished
    }

    /// Lowest unfinished offset, or the intake mark.
    package var committedOffset: Int64 { offsets.first ?? intakeMark }
    package var unfinishedCount: Int { offsets.count }
    /// Ascending.
    package var unfinished: [Int64] { offsets.all }
    package func isUnfinished(_ offset: Int64) -> Bool { offsets.contains(offset) }

    /// The oldest unfinished offsets, ascending: what is parked first.
    package func oldest(_ count: Int) -> [Int64] { offsets.first(count) }

    /// A record was taken in. Offsets between the mark and it hold nothing to do.
    ///
    /// - Returns: `false` for an offset below the mark, which changes nothing: it was taken before.
    @discardableResult
    package mutating func taken(_ offset: Int64) -> Bool {
        guard offset >= intakeMark else { return false }
        offsets.append(offset)
        intakeMark = offset + 1
        return true
    }

    /// Records below `offset` are none of ours (chunks, control records, gaps): the mark moves over them.
    package mutating func skipped(upTo offset: Int64) { intakeMark = max(intakeMark, offset) }

    /// - Returns: `false` for an offset that is not unfinished, which changes nothing.
    @discardableResult
    package mutating func finished(_ offset: Int64) -> Bool { offsets.remove(offset) }
}

extension Ledger {
    /// Recipients of the partition since its beginning.
    package struct Totals: Equatable, Sendable {
        package var accepted: UInt64 = 0
        package var delivered: UInt64 = 0
        package var failed: UInt64 = 0
        package var expired: UInt64 = 0
        package var suppressed: UInt64 = 0
        package var dropped: UInt64 = 0
        package var setAside: UInt64 = 0

        package init() {}

        /// Recipients that have come to an end.
        package var ended: UInt64 { delivered &+ failed &+ expired &+ suppressed &+ dropped &+ setAside }

        /// Accepted and not ended: must equal the recipients counted in queues. Negative only if the books are wrong.
        package var queued: Int64 { Int64(truncatingIfNeeded: accepted &- ended) }
    }
}
