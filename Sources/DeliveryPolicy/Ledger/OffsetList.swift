/// Ascending offsets with cheap removal anywhere: a removed one stays as a mark (its complement) until half are marks.
struct OffsetList: Sendable {
    private var slots: [Int64] = []
    /// Slots before it are removed; the one at it is not.
    private var head = 0
    private(set) var count = 0

    init() {}

    var first: Int64? { count > 0 ? slots[head] : nil }
    var all: [Int64] { slots[head...].filter { $0 >= 0 } }

    func first(_ number: Int) -> [Int64] {
        var found: [Int64] = []
        found.reserveCapacity(min(max(0, number), count))
        for slot in slots[head...] where found.count < number && slot >= 0 { found.append(slot) }
        return found
    }

    func contains(_ offset: Int64) -> Bool { index(of: offset) != nil }

    /// - Parameter offset: Above all others, and not negative.
    mutating func append(_ offset: Int64) {
        precondition(
            offset >= 0 && offset > (slots.last.map { Swift.max($0, ~$0) } ?? -1), "offset \(offset) out of order")
        slots.append(offset)
        count += 1
    }

    mutating func remove(_ offset: Int64) -> Bool {
        guard let index = index(of: offset) else { return false }
        slots[index] = ~offset
        count -= 1
        while head < slots.count, slots[head] < 0 { head += 1 }
        if slots.count - count > max(64, count) {
            slots.removeAll { $0 < 0 }
            head = 0
        }
        return true
    }

    /// Calls `body` from the last to the first, until it returns `false`.
    func forEachFromLast(_ body: (Int64) -> Bool) {
        var index = slots.count - 1
        while index >= head {
            if slots[index] >= 0, !body(slots[index]) { return }
            index -= 1
        }
    }

    private func index(of offset: Int64) -> Int? {
        guard offset >= 0 else { return nil }
        var (low, high) = (head, slots.count)
        while low < high {
            let middle = low + (high - low) / 2
            let slot = slots[middle]
            if (slot < 0 ? ~slot : slot) < offset { low = middle + 1 } else { high = middle }
        }
        return low < slots.count && slots[low] == offset ? low : nil
    }
}

extension OffsetList: Equatable {
    static func == (a: OffsetList, b: OffsetList) -> Bool { a.count == b.count && a.all == b.all }
}
