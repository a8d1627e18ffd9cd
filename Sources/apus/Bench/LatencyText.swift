import Foundation
import LoadTest
import MailModel

/// Writes latencies for people and for scripts.
enum LatencyText {
    static let percentiles: [(name: String, key: StaticString, percent: Double)] = [
        ("p50", "p50", 50), ("p90", "p90", 90), ("p99", "p99", 99), ("p99.9", "p99_9", 99.9),
    ]

    /// Milliseconds to three digits at most: 0.042, 1.23, 12.3, 123, 12345.
    static func milliseconds(_ nanoseconds: Int64) -> String {
        let value = Double(nanoseconds) / 1e6
        let digits = value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0
        return String(format: "%.\(digits)f", value)
    }

    static func line(_ latencies: Latencies) -> String {
        let parts = percentiles.map { "\($0.name) \(milliseconds(latencies.percentile($0.percent)))" }
        return (parts + ["max \(milliseconds(latencies.max))"]).joined(separator: ", ")
    }

    /// Count and percentiles as columns of a table.
    static func columns(_ latencies: Latencies) -> [String] {
        ["\(latencies.count)"] + percentiles.map { milliseconds(latencies.percentile($0.percent)) }
            + [milliseconds(latencies.max)]
    }

    /// In microseconds; nothing where there is no value.
    static func write(_ latencies: Latencies, into json: inout JSONObjectWriter) {
        guard latencies.count > 0 else { return }
        json.field("count", latencies.count)
        json.field("min", Int(latencies.min / 1000))
        json.field("mean", Int(latencies.mean / 1000))
        for entry in percentiles { json.field(entry.key, Int(latencies.percentile(entry.percent) / 1000)) }
        json.field("max", Int(latencies.max / 1000))
    }

    /// Bars over the steps 1, 2, 5 …
    static func bars(_ latencies: Latencies, width: Int = 40) -> [String] {
        let steps = latencies.steps()
        guard let most = steps.map(\.count).max(), most > 0 else { return [] }
        return steps.map { step in
            let bar = String(repeating: "#", count: step.count * width / most)
            let bound = padded(bound(step.upTo), 8)
            return "  up to \(bound) ms  \(padded("\(step.count)", 9))  \(bar)"
        }
    }

    /// Right-aligned.
    static func padded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private static func bound(_ nanoseconds: Int64) -> String {
        nanoseconds < 1_000_000 ? String(format: "%.3f", Double(nanoseconds) / 1e6) : "\(nanoseconds / 1_000_000)"
    }
}
