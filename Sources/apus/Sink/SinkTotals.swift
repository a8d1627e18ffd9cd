import LoadTest
import MailModel
import NIOCore
import Synchronization

/// Counts over all connections.
final class SinkTotals: Sendable {
    let connections = Atomic<Int>(0)
    let refusedConnections = Atomic<Int>(0)
    let messages = Atomic<Int>(0)
    let recipients = Atomic<Int>(0)
    let octets = Atomic<Int>(0)
    let temporaryFailures = Atomic<Int>(0)
    let permanentFailures = Atomic<Int>(0)
    /// Nanoseconds of the monotonic clock; 0 while there was no message.
    private let first = Atomic<UInt64>(0)
    private let last = Atomic<UInt64>(0)

    /// Counts an accepted message.
    func add(recipients count: Int, octets size: Int) {
        let now = NIODeadline.now().uptimeNanoseconds
        if first.load(ordering: .relaxed) == 0 {
            _ = first.compareExchange(expected: 0, desired: now, ordering: .relaxed)
        }
        last.store(now, ordering: .relaxed)
        recipients.wrappingAdd(count, ordering: .relaxed)
        octets.wrappingAdd(size, ordering: .relaxed)
    }

    func addFailure(_ code: UInt16) {
        if code < 500 {
            temporaryFailures.wrappingAdd(1, ordering: .relaxed)
        } else {
            permanentFailures.wrappingAdd(1, ordering: .relaxed)
        }
    }

    /// From the first message to the last.
    private var seconds: Double {
        let span = last.load(ordering: .relaxed).subtractingReportingOverflow(first.load(ordering: .relaxed))
        return span.overflow ? 0 : Double(span.partialValue) / 1e9
    }

    private var rate: Int {
        let (count, seconds) = (messages.load(ordering: .relaxed), seconds)
        return count > 1 && seconds > 0 ? Int(Double(count - 1) / seconds) : 0
    }

    /// - Parameter arrivals: What came from runs of `apus bench`; a line each.
    func text(with arrivals: ArrivalBook) -> String {
        let tenths = Int(seconds * 10)
        let runs = arrivals.runs.map { "\n\(ArrivalReport($0.run, $0.arrivals).text)" }.joined()
        let uncounted = arrivals.uncounted > 0 ? "\n\(arrivals.uncounted) deliveries of runs beyond the limits" : ""
        return """
            \(messages.load(ordering: .relaxed)) messages to \(recipients.load(ordering: .relaxed)) recipients, \
            \(octets.load(ordering: .relaxed)) octets in \(tenths / 10).\(tenths % 10) s (\(rate)/s); \
            \(connections.load(ordering: .relaxed)) connections, \
            \(refusedConnections.load(ordering: .relaxed)) refused; \
            \(temporaryFailures.load(ordering: .relaxed)) temporary and \
            \(permanentFailures.load(ordering: .relaxed)) permanent failures\(runs)\(uncounted)
            """
    }

    func json(with arrivals: ArrivalBook) -> ByteBuffer {
        var json = JSONObjectWriter(into: ByteBuffer())
        json.field("messages", messages.load(ordering: .relaxed))
        json.field("recipients", recipients.load(ordering: .relaxed))
        json.field("octets", octets.load(ordering: .relaxed))
        json.field("milliseconds", Int(seconds * 1000))
        json.field("rate", rate)
        json.field("connections", connections.load(ordering: .relaxed))
        json.field("refused_connections", refusedConnections.load(ordering: .relaxed))
        json.field("temporary_failures", temporaryFailures.load(ordering: .relaxed))
        json.field("permanent_failures", permanentFailures.load(ordering: .relaxed))
        json.array("runs", arrivals.runs) { json, run in ArrivalReport(run.run, run.arrivals).write(into: &json) }
        if arrivals.uncounted > 0 { json.field("uncounted_deliveries", arrivals.uncounted) }
        return json.finish()
    }
}
