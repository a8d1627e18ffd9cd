#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// When each message is due, whatever the server does: an open loop.
///
/// A closed loop sends the next message when the last was answered, so a server that stalls is asked less, and its
/// stall shows in one measurement instead of all that should have been made (coordinated omission). Here a message
/// has its moment, and what it waits beyond that counts.
package struct LoadSchedule: Equatable, Sendable {
    package enum Pattern: String, Sendable, CaseIterable {
        /// One after the other in even steps.
        case steady
        /// All of an interval at once, at its start.
        case burst
        /// The rate grows evenly from nothing to its full height over the whole run.
        case ramp
    }

    /// Messages a second.
    package var rate: Double
    package var pattern: Pattern
    /// Messages of one burst.
    package var burst: Int
    /// Nanoseconds over which a ramp rises.
    private let rise: Double

    /// - Parameters:
    ///   - rate: Above 0.
    ///   - burst: Messages of one burst; by default those of one second.
    ///   - messages: In all, where that is what ends the run.
    ///   - duration: In nanoseconds, likewise. One of the two is given.
    package init(
        rate: Double, pattern: Pattern = .steady, burst: Int? = nil, messages: Int? = nil, duration: Int64? = nil
    ) {
        precondition(rate > 0, "a schedule has a rate")
        self.rate = rate
        self.pattern = pattern
        self.burst = max(1, burst ?? Int(rate.rounded()))
        // The mean rate of a ramp is half of its height.
        rise = duration.map(Double.init) ?? Double(messages ?? 1) * 2e9 / rate
    }

    /// Nanoseconds from the start of the run to the moment when message `number`, counted from 0, is due. Never
    /// earlier than that of the message before it.
    package func due(_ number: Int) -> Int64 {
        let number = Double(number)
        switch pattern {
        case .steady:
            return Int64(number * 1e9 / rate)
        case .burst:
            let size = Double(burst)
            return Int64((number / size).rounded(.down) * size * 1e9 / rate)
        case .ramp:
            // Up to t, rate / 1e9 · t² / (2 · rise) messages are due.
            let t = (2 * rise * number * 1e9 / rate).squareRoot()
            // Beyond the ramp the rate stays as it is.
            return Int64(t <= rise ? t : rise / 2 + number * 1e9 / rate)
        }
    }

    /// Messages due before `end`, in nanoseconds from the start.
    package func count(before end: Int64) -> Int {
        var (low, high) = (0, 1)
        while due(high) < end { high *= 2 }
        while low < high {
            let middle = (low + high) / 2
            if due(middle) < end { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
