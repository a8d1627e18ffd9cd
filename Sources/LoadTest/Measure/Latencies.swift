import Histogram

/// Durations in nanoseconds, with percentiles to three digits (HdrHistogram).
package struct Latencies: Sendable {
    /// Nanoseconds; longer ones count as this.
    private static let longest: UInt64 = 86_400_000_000_000

    /// Taken when the first value comes: it is some hundred kilobytes.
    private var histogram: Histogram<UInt64>?

    package init() {}

    /// - Parameter nanoseconds: What is less than 0 counts as 0: clocks of two machines never agree quite.
    package mutating func record(_ nanoseconds: Int64) {
        if histogram == nil {
            histogram = Histogram(
                lowestDiscernibleValue: 1000, highestTrackableValue: Self.longest,
                numberOfSignificantValueDigits: .three)
        }
        histogram?.record(Swift.min(UInt64(Swift.max(0, nanoseconds)), Self.longest))
    }

    package mutating func add(_ other: Latencies) {
        guard let added = other.histogram else { return }
        if histogram == nil { histogram = added } else { histogram?.add(added) }
    }

    package var count: Int { Int(histogram?.totalCount ?? 0) }
    package var mean: Int64 { Int64(histogram?.mean ?? 0) }
    package var max: Int64 { Int64(histogram?.maxRecorded ?? 0) }
    package var min: Int64 { Int64(histogram?.min ?? 0) }

    /// Nanoseconds that this share of the values, 0 to 100, does not exceed; 0 where there is none.
    package func percentile(_ percent: Double) -> Int64 {
        guard let histogram, histogram.totalCount > 0 else { return 0 }
        return Int64(histogram.valueAtPercentile(percent))
    }

    /// How many values lie in each of the steps 1, 2, 5, 10 … from the least to the greatest.
    package func steps() -> [(upTo: Int64, count: Int)] {
        guard let histogram, histogram.totalCount > 0 else { return [] }
        var steps: [(upTo: Int64, count: Int)] = []
        var (bound, place, below) = (Int64(1000), 0, UInt64(0))
        while true {
            let next = histogram.count(within: 0...UInt64(bound))
            if next > 0 { steps.append((bound, Int(next - below))) }
            below = next
            if below >= histogram.totalCount { return steps }
            bound = place % 3 == 1 ? bound / 2 * 5 : bound * 2
            place += 1
        }
    }
}
