package import MailModel

/// A wall clock and a monotonic one that stand still until a test moves them.
package struct ManualClock: Sendable {
    package private(set) var now: Timestamp
    /// For monotonic moments; starts at an hour, as clocks rarely start at nought.
    package private(set) var nanoseconds: UInt64 = 3_600_000_000_000

    /// - Parameter now: By default 2026-03-01T09:30:00Z.
    package init(_ now: Timestamp = Timestamp(milliseconds: 1_772_357_400_000)) { self.now = now }

    package mutating func advance(by duration: Duration) {
        now = now + duration
        nanoseconds += UInt64(max(0, duration.wholeMilliseconds)) * 1_000_000
    }
}
