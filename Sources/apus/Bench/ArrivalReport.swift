import LoadTest
import MailModel

/// Says what arrived of a run of `bench`, in a line or in JSON.
struct ArrivalReport {
    private static let shownRanges = 20

    private let run: String
    private let arrivals: RunArrivals

    init(_ run: String, _ arrivals: RunArrivals) { (self.run, self.arrivals) = (run, arrivals) }

    var text: String {
        let missing = arrivals.missingRanges(limit: Self.shownRanges)
        let numbers = missing.ranges.isEmpty ? "" : " (numbers \(Self.text(missing)))"
        return """
            run \(run): \(arrivals.received) received, \(arrivals.unique) unique, \(arrivals.repeated) repeated; \
            \(arrivals.missing) missing up to number \(arrivals.messages - 1)\(numbers); \
            ms from due to here: \(LatencyText.line(arrivals.latencies))
            """
    }

    func write(into json: inout JSONObjectWriter) {
        json.field("run", run)
        json.field("received", arrivals.received)
        json.field("unique", arrivals.unique)
        json.field("repeated", arrivals.repeated)
        json.field("highest_number", arrivals.messages - 1)
        json.field("missing", arrivals.missing)
        let missing = arrivals.missingRanges(limit: Self.shownRanges)
        json.field("missing_numbers", missing.ranges.isEmpty ? nil : Self.text(missing))
        json.object("latency_us") { LatencyText.write(arrivals.latencies, into: &$0) }
    }

    /// `3, 17-20, …`.
    static func text(_ found: SlotRanges) -> String {
        let ranges = found.ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
        return (ranges + (found.isWhole ? [] : ["…"])).joined(separator: ", ")
    }
}
