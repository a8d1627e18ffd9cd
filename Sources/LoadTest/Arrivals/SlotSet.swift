/// A set of small numbers, a bit for each: the recipients of a run that were accepted, or that arrived.
///
/// Memory is taken by pieces of 65,536 numbers, so that one large number costs as much as a small one.
package struct SlotSet: Sendable {
    static let pieceBits = 16
    private static let words = 1 << (pieceBits - 6)
    package static let limit = 1 << 36

    private var pieces: [Int: [UInt64]] = [:]
    package private(set) var count = 0
    /// Greatest number, or -1.
    package private(set) var highest = -1

    package init() {}

    var pieceCount: Int { pieces.count }
    func hasPiece(for number: Int) -> Bool { pieces[number >> Self.pieceBits] != nil }

    /// - Parameter number: 0 up to `limit`.
    /// - Returns: Whether it was not in the set before.
    @discardableResult
    package mutating func insert(_ number: Int) -> Bool {
        precondition((0..<Self.limit).contains(number), "a slot within the limit")
        let bit: UInt64 = 1 << UInt64(number & 63)
        let word = (number >> 6) & (Self.words - 1)
        let isNew = Self.set(bit, word, in: &pieces[number >> Self.pieceBits, default: Self.emptyPiece])
        if isNew { count += 1 }
        highest = max(highest, number)
        return isNew
    }

    private static let emptyPiece = [UInt64](repeating: 0, count: words)

    private static func set(_ bit: UInt64, _ word: Int, in piece: inout [UInt64]) -> Bool {
        guard piece[word] & bit == 0 else { return false }
        piece[word] |= bit
        return true
    }

    package func contains(_ number: Int) -> Bool {
        guard number >= 0, let piece = pieces[number >> Self.pieceBits] else { return false }
        return piece[(number >> 6) & (Self.words - 1)] & 1 << UInt64(number & 63) != 0
    }

    package mutating func formUnion(_ other: SlotSet) {
        for (place, piece) in other.pieces {
            guard let own = pieces[place] else {
                pieces[place] = piece
                continue
            }
            pieces[place] = zip(own, piece).map { $0 | $1 }
        }
        highest = max(highest, other.highest)
        count = pieces.values.reduce(0) { $0 + $1.reduce(0) { $0 + $1.nonzeroBitCount } }
    }

    /// Numbers of this set that are not in `other`.
    package func countMissing(from other: SlotSet) -> Int {
        pieces.reduce(0) { sum, entry in
            let others = other.pieces[entry.key] ?? Self.emptyPiece
            return zip(entry.value, others).reduce(sum) { $0 + ($1.0 & ~$1.1).nonzeroBitCount }
        }
    }

    package func subtracting(_ other: SlotSet) -> SlotSet {
        var rest = self
        for (place, piece) in other.pieces {
            guard let own = pieces[place] else { continue }
            rest.pieces[place] = zip(own, piece).map { $0 & ~$1 }
        }
        rest.count = countMissing(from: other)
        return rest
    }

    /// The first `limit` ranges of groups of so many numbers that hold one of this set, or lack one.
    package func ranges(ofGroups size: Int, limit: Int) -> SlotRanges {
        var ranges = SlotRanges(size: size, limit: limit)
        forEach { ranges.add($0...$0) }
        return ranges
    }

    /// - Parameter end: Numbers from here on do not count.
    package func gaps(below end: Int, ofGroups size: Int, limit: Int) -> SlotRanges {
        var ranges = SlotRanges(size: size, limit: limit)
        var expected = 0
        forEach { number in
            defer { expected = number + 1 }
            return number == expected || ranges.add(expected...number - 1)
        }
        if expected < end { ranges.add(expected...end - 1) }
        return ranges
    }

    /// In ascending order, while `body` says to go on.
    private func forEach(_ body: (Int) -> Bool) {
        for place in pieces.keys.sorted() {
            guard let piece = pieces[place] else { continue }
            for (index, word) in piece.enumerated() where word != 0 {
                var word = word
                while word != 0 {
                    let number = (place << Self.pieceBits) + (index << 6) + word.trailingZeroBitCount
                    guard body(number) else { return }
                    word &= word - 1
                }
            }
        }
    }
}

/// Ranges of groups of numbers, in ascending order, up to a limit.
package struct SlotRanges: Equatable, Sendable {
    package private(set) var ranges: [ClosedRange<Int>] = []
    /// No range was left out.
    package private(set) var isWhole = true
    private let size: Int
    private let limit: Int

    init(size: Int, limit: Int) { (self.size, self.limit) = (size, limit) }

    /// - Returns: Whether there may be place for more.
    @discardableResult
    mutating func add(_ numbers: ClosedRange<Int>) -> Bool {
        let (first, last) = (numbers.lowerBound / size, numbers.upperBound / size)
        if let end = ranges.last, first <= end.upperBound + 1 {
            ranges[ranges.count - 1] = end.lowerBound...max(end.upperBound, last)
        } else if ranges.count < limit {
            ranges.append(first...last)
        } else {
            isWhole = false
        }
        return isWhole
    }
}
