/// Moment of the wall clock, in milliseconds since 1970-01-01T00:00:00Z.
///
/// For what people and other programs read: events, trace fields, due times. Waits are measured with a monotonic clock.
package struct Timestamp: Hashable, Comparable, Sendable, Codable {
    package var milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (a: Timestamp, b: Timestamp) -> Bool { a.milliseconds < b.milliseconds }

    /// Saturates, as stored moments and configured waits may be anything.
    package static func + (moment: Timestamp, duration: Duration) -> Timestamp {
        let (sum, overflow) = moment.milliseconds.addingReportingOverflow(duration.wholeMilliseconds)
        return Timestamp(milliseconds: overflow ? (moment.milliseconds < 0 ? .min : .max) : sum)
    }

    package static func - (a: Timestamp, b: Timestamp) -> Duration {
        let (difference, overflow) = a.milliseconds.subtractingReportingOverflow(b.milliseconds)
        return .milliseconds(overflow ? (a.milliseconds < 0 ? Int64.min : .max) : difference)
    }
}

extension Duration {
    /// Whole milliseconds, rounded towards zero; saturates far outside any duration mail knows.
    package var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        if overflow { return seconds < 0 ? .min : .max }
        return product + attoseconds / 1_000_000_000_000_000
    }
}

/// Date and time of day in UTC, by the proleptic Gregorian calendar.
package struct CivilTime: Equatable, Sendable {
    package var year, month, day, hour, minute, second, millisecond: Int
    /// 0 is Sunday.
    package var weekday: Int

    package init(_ moment: Timestamp) {
        let total = moment.milliseconds
        var (days, rest) = Int(total).quotientAndRemainder(dividingBy: 86_400_000)
        if rest < 0 { (days, rest) = (days - 1, rest + 86_400_000) }
        millisecond = rest % 1000
        rest /= 1000
        (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
        weekday = ((days + 4) % 7 + 7) % 7
        // Howard Hinnant's days-to-civil arithmetic: eras of 400 years that start on 1 March.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC with milliseconds: `2026-03-01T09:30:00.000Z`, always 24 bytes for years 0–9999.
    package var description: String {
        let t = CivilTime(self)
        return String(unsafeUninitializedCapacity: 24) { out in
            var at = 0
            func put(_ value: Int, digits: Int, then separator: Character) {
                var divisor = 1
                for _ in 1..<digits { divisor *= 10 }
                while divisor > 0 {
                    out[at] = UInt8(ascii: "0") + UInt8(value / divisor % 10)
                    (at, divisor) = (at + 1, divisor / 10)
                }
                out[at] = separator.asciiValue ?? 0
                at += 1
            }
            put(min(max(t.year, 0), 9999), digits: 4, then: "-")
            put(t.month, digits: 2, then: "-")
            put(t.day, digits: 2, then: "T")
            put(t.hour, digits: 2, then: ":")
            put(t.minute, digits: 2, then: ":")
            put(t.second, digits: 2, then: ".")
            put(t.millisecond, digits: 3, then: "Z")
            return at
        }
    }
}
