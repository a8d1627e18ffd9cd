/// Moment of a clock that never goes back, in nanoseconds since an epoch of its own; only differences mean something.
///
/// For waits inside one process. Moments that are stored or shown are `Timestamp`.
package struct MonotonicTime: Hashable, Comparable, Sendable {
    package var nanoseconds: UInt64

    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    package static func < (a: MonotonicTime, b: MonotonicTime) -> Bool { a.nanoseconds < b.nanoseconds }

    /// Saturates at the ends of the range, at nought and in some 584 years.
    package static func + (moment: MonotonicTime, wait: Duration) -> MonotonicTime {
        let length = wait.wholeNanoseconds
        let (sum, overflow) =
            length >= 0
            ? moment.nanoseconds.addingReportingOverflow(length.magnitude)
            : moment.nanoseconds.subtractingReportingOverflow(length.magnitude)
        return MonotonicTime(nanoseconds: overflow ? (length >= 0 ? .max : 0) : sum)
    }

    package static func - (a: MonotonicTime, b: MonotonicTime) -> Duration {
        a >= b
            ? .nanoseconds(Int64(clamping: a.nanoseconds - b.nanoseconds))
            : .nanoseconds(-Int64(clamping: b.nanoseconds - a.nanoseconds))
    }
}

extension Duration {
    /// Rounded towards zero; saturates at some 292 years.
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carried) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carried ? (seconds < 0 ? .min : .max) : sum
    }
}
