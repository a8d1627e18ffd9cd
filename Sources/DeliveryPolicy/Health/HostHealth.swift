/// Dead-host memory: addresses that did not take a connection, and when each may be tried again.
///
/// Only what failed is remembered, at most `capacity` addresses; the longest untouched are forgotten first, which costs
/// a superfluous connection attempt at worst.
package struct HostHealth: Sendable {
    private struct Entry {
        var gate = ProbeGate()
        var touched: UInt64 = 0
    }

    package var backOff: BackOff
    private let capacity: Int
    private var entries: [String: Entry] = [:]
    private var touches: UInt64 = 0

    package init(backOff: BackOff = BackOff(), capacity: Int = 10_000) {
        self.backOff = backOff
        self.capacity = max(1, capacity)
    }

    package var count: Int { entries.count }

    /// Asks for a connection attempt. `.probe` must be answered by `failed`, `succeeded` or `abandoned`.
    package mutating func use(_ address: String, now: MonotonicTime) -> Usability {
        guard var entry = entries[address] else { return .usable }
        let answer = entry.gate.use(now)
        touch(&entry)
        entries[address] = entry
        return answer
    }

    /// What `use` would say, without taking the probe.
    package func usability(of address: String, now: MonotonicTime) -> Usability {
        entries[address]?.gate.usability(now) ?? .usable
    }

    package mutating func failed(_ address: String, now: MonotonicTime) {
        var entry = entries[address] ?? Entry()
        entry.gate.failed(now, backOff)
        touch(&entry)
        entries[address] = entry
        if entries.count > capacity { forgetOldest() }
    }

    package mutating func succeeded(_ address: String) { entries[address] = nil }

    package mutating func abandoned(_ address: String, now: MonotonicTime) { entries[address]?.gate.abandoned(now) }

    private mutating func touch(_ entry: inout Entry) {
        touches += 1
        entry.touched = touches
    }

    /// An eighth at once, so that a flood of dead addresses costs a logarithm each, not a walk through the table.
    private mutating func forgetOldest() {
        let ages = entries.values.map(\.touched).sorted()
        let limit = ages[min(max(entries.count - capacity, capacity / 8), ages.count - 1)]
        entries = entries.filter { $0.value.touched >= limit }
    }
}
