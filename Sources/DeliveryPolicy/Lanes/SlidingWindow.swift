/// Exact limit over every window: never more than `count` events in any stretch of `length`, all at once if need be.
///
/// Remembers the moments of the last `count` events, so it is meant for counts in the thousands at most.
package struct SlidingWindow: Sendable {
    package let count: Int
    package let length: Duration
    /// Ring of the latest events, as long as there were any.
    private var moments: [MonotonicTime] = []
    private var oldest = 0

    /// - Parameter count: 1–100,000; other values are moved into that range.
    package init(count: Int, per length: Duration) {
        self.count = min(max(1, count), 100_000)
        self.length = length
    }

    /// Another limit for the same events: the latest that `earlier` remembers count.
    package init(count: Int, per length: Duration, after earlier: SlidingWindow?) {
        self.init(count: count, per: length)
        guard let earlier else { return }
        let inOrder = earlier.moments[earlier.oldest...] + earlier.moments[..<earlier.oldest]
        moments = inOrder.suffix(self.count)
    }

    /// When the next event may happen; `nil` means now.
    package func wait(now: MonotonicTime) -> MonotonicTime? {
        guard moments.count == count else { return nil }
        let free = moments[oldest] + length
        return free <= now ? nil : free
    }

    /// An event happened. Callers have asked `wait` first.
    package mutating func record(_ now: MonotonicTime) {
        if moments.count < count {
            moments.append(now)
        } else {
            moments[oldest] = now
            oldest = (oldest + 1) % count
        }
    }
}
