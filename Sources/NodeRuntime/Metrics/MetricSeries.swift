internal import CoreMetrics
internal import Synchronization

/// One series of a counter. Made once, kept by who counts; adding is one atomic addition.
package final class CounterSeries: CounterHandler {
    private let value = Atomic<Int64>(0)

    package init() {}

    @inlinable
    package func add(_ amount: Int = 1) { increment(by: Int64(amount)) }
    package func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }
    package func reset() { value.store(0, ordering: .relaxed) }

    /// What was counted.
    package var total: Int64 { value.load(ordering: .relaxed) }
}

/// One series of a gauge.
package final class GaugeSeries: MeterHandler, RecorderHandler {
    private let bits = Atomic<UInt64>(0)

    package init() {}

    package func set(_ value: Int64) { set(Double(value)) }
    package func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
    package func record(_ value: Int64) { set(value) }
    package func record(_ value: Double) { set(value) }
    package func decrement(by amount: Double) { increment(by: -amount) }

    package func increment(by amount: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (done, seen) = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if done { return }
            old = seen
        }
    }

    package var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

/// One series of a histogram with fixed buckets; times are recorded in seconds.
package final class HistogramSeries: TimerHandler, RecorderHandler {
    struct Snapshot {
        /// As many as bounds, and one for what is above all of them; not cumulative.
        var buckets: [UInt64]
        var sum = 0.0
        var count: UInt64 { buckets.reduce(0, +) }
    }

    let bounds: [Double]
    private let state: Mutex<Snapshot>

    package init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(Snapshot(buckets: Array(repeating: 0, count: bounds.count + 1)))
    }

    package func record(_ value: Int64) { record(Double(value)) }
    package func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    package func record(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        record(Double(seconds) + Double(attoseconds) / 1e18)
    }

    package func record(_ value: Double) {
        guard !value.isNaN else { return }
        var low = 0
        var high = bounds.count
        while low < high {
            let middle = (low + high) / 2
            if value <= bounds[middle] { high = middle } else { low = middle + 1 }
        }
        state.withLock {
            $0.buckets[low] += 1
            $0.sum += value
        }
    }

    var snapshot: Snapshot { state.withLock { $0 } }
}

/// A counter of fractions, which only libraries use.
final class FractionCounterSeries: FloatingPointCounterHandler {
    let gauge = GaugeSeries()
    func increment(by amount: Double) { if amount > 0 { gauge.increment(by: amount) } }
    func reset() { gauge.set(0.0) }
}
