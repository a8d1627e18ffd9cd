/// How long something that failed is left alone.
package struct BackOff: Equatable, Sendable {
    package var first: Duration
    /// The wait doubles up to this.
    package var maximum: Duration

    package init(first: Duration = .seconds(60), maximum: Duration = .seconds(900)) {
        self.first = first
        self.maximum = max(first, maximum)
    }

    /// - Parameter failures: In a row; 1 or more.
    package func wait(after failures: Int) -> Duration {
        var (wait, left) = (first, failures - 1)
        while left > 0, wait < maximum { (wait, left) = (wait * 2, left - 1) }
        return min(wait, maximum)
    }
}

/// Whether something that may be dead can be used now.
package enum Usability: Equatable, Sendable {
    case usable
    /// It failed before and its back-off is over: this one try, and no other until its result is told.
    case probe
    /// The back-off ends then, or the running probe counts as lost.
    case unusable(until: MonotonicTime)
}

/// Memory of one thing's failures: after a back-off a single probe decides whether it lives again.
struct ProbeGate: Equatable, Sendable {
    /// A probe whose result nobody tells does not close the gate for ever.
    static let longestProbe = Duration.seconds(600)

    private(set) var failures = 0
    private var closedUntil = MonotonicTime(nanoseconds: 0)
    private var isProbing = false

    /// Asks for a try. `.probe` must be answered by `failed`, success or `abandoned`.
    mutating func use(_ now: MonotonicTime) -> Usability {
        if failures == 0 { return .usable }
        if now < closedUntil { return .unusable(until: closedUntil) }
        isProbing = true
        closedUntil = now + Self.longestProbe
        return .probe
    }

    /// Tries that began before the first failure end one after the other: only one failure a back-off counts.
    mutating func failed(_ now: MonotonicTime, _ backOff: BackOff) {
        guard failures == 0 || isProbing || now >= closedUntil else { return }
        failures += 1
        isProbing = false
        closedUntil = now + backOff.wait(after: failures)
    }

    /// The probe did not come to a result: another may follow at once.
    mutating func abandoned(_ now: MonotonicTime) {
        guard isProbing else { return }
        isProbing = false
        closedUntil = now
    }

    /// What `use` would say, without taking the probe.
    func usability(_ now: MonotonicTime) -> Usability {
        if failures == 0 { return .usable }
        return now < closedUntil ? .unusable(until: closedUntil) : .probe
    }
}
