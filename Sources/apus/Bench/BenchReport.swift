import Foundation
import LoadTest
import MailModel
import NIOCore

/// Says what a run measured.
struct BenchReport {
    let command: BenchCommand
    let configuration: LoadConfiguration
    let server: HostEndpoint
    let figures: BenchFigures
    let delivery: BenchDelivery?

    var results: LoadResults { figures.results }

    /// Messages that were due, or asked for, and never begun.
    var unbegun: Int {
        guard let due = configuration.schedule == nil ? command.load.messages : configuration.due else { return 0 }
        // A closed loop with a duration begins as many as it can.
        guard configuration.schedule != nil || configuration.duration == nil else { return 0 }
        return max(0, due - results.started)
    }

    /// Every message that the run was to send got a positive reply, and arrived where that was watched.
    var isGood: Bool {
        let isAllAccepted = results.accepted > 0 && results.refused + results.failed == 0
        return isAllAccepted && (figures.isInterrupted || unbegun == 0) && delivery?.lost ?? 0 == 0
    }

    /// From the start to the end of the last message.
    var seconds: Double { Double(max(1, results.end)) / 1e9 }
    var rate: Double { Double(results.accepted) / seconds }
    var processorPerMessage: Int { Int(figures.processor) / max(1, results.started) }
    /// Cores that this process kept busy.
    var cores: Double { Double(figures.processor) / 1e6 / seconds }
    /// Deliveries a second, from the start of the run to the last one.
    var deliveryRate: Double {
        guard let delivery, delivery.elapsed > 0 else { return 0 }
        return Double(delivery.arrivals.unique) * 1e6 / Double(delivery.elapsed)
    }

    var text: String {
        let parts = [
            summary, table, ["", "whole, from due to the reply to the content"] + LatencyText.bars(results[.total]),
            answers, deliveries,
        ]
        return parts.flatMap { $0 }.joined(separator: "\n")
    }

    private var summary: [String] {
        let loop = configuration.schedule.map { String(format: "%g/s %@", $0.rate, $0.pattern.rawValue) }
        var lines = [
            """
            run \(figures.run) to \(server): \(loop ?? "closed loop"), \(configuration.connections) connections, \
            seed \(figures.seed)\(figures.isInterrupted ? ", interrupted" : "")
            """,
            String(
                format: "%ld messages to %ld recipients accepted in %.2f s: %.0f/s, %.2f MB/s", results.accepted,
                results.recipients, seconds, rate, Double(results.octets) / seconds / 1e6),
        ]
        if results.refused + results.failed + results.refusedRecipients > 0 {
            lines.append(
                """
                \(results.refused) messages refused, \(results.failed) failed; \
                \(results.refusedRecipients) recipients of accepted messages refused
                """)
        }
        if unbegun > 0 {
            let reason = configuration.schedule == nil || figures.isInterrupted ? "" : ": the server was behind"
            lines.append("\(unbegun) messages never begun\(reason)")
        }
        lines.append(
            String(
                format: "%ld connections; this process took %ld µs of processor time a message, %.2f cores",
                results.connections, processorPerMessage, cores)
                + (isBusy ? ": it may have been what was measured" : ""))
        return lines
    }

    /// The threads of the load were busy nearly all the time.
    private var isBusy: Bool {
        let threads = command.load.threads ?? max(1, System.coreCount / 2)
        return delivery == nil && cores > 0.9 * Double(min(threads, configuration.connections))
    }

    private var table: [String] {
        let head = ["count"] + LatencyText.percentiles.map(\.name) + ["max"]
        func row(_ name: String, _ columns: [String]) -> String {
            name.padding(toLength: 14, withPad: " ", startingAt: 0)
                + columns.map { LatencyText.padded($0, 9) }.joined()
        }
        var lines = ["", row("ms", head)]
        for phase in LoadResults.Phase.allCases where results[phase].count > 0 {
            lines.append(row(Self.names[phase] ?? phase.name, LatencyText.columns(results[phase])))
        }
        if let delivery, delivery.arrivals.latencies.count > 0 {
            lines.append(row("delivery", LatencyText.columns(delivery.arrivals.latencies)))
        }
        return lines
    }

    private static let names: [LoadResults.Phase: String] = [
        .envelope: "MAIL..RCPT", .content: "content", .tls: "TLS", .total: "whole",
    ]

    private var answers: [String] {
        let replies = results.replies.list.map { "\($0.stage.name) \($0.code): \($0.count)" }
        var lines = ["", "replies  " + replies.joined(separator: ", ")]
        for (name, errors) in results.errors.sorted(by: { $0.value.count > $1.value.count }) {
            lines.append("error    \(name): \(errors.count), the first: \(errors.example)")
        }
        return lines
    }

    private var deliveries: [String] {
        guard let delivery else { return [] }
        let arrivals = delivery.arrivals
        let numbers = delivery.lost > 0 ? " (numbers \(ArrivalReport.text(delivery.lostRanges)))" : ""
        let unexpected =
            delivery.unexpected > 0 ? ", \(delivery.unexpected) arrived without a positive reply" : ""
        return [
            String(
                format: "arrived  %ld recipients in %.2f s: %.0f/s", arrivals.unique, Double(delivery.elapsed) / 1e6,
                deliveryRate)
                + "; \(delivery.lost) lost\(numbers), \(arrivals.repeated) repeated\(unexpected)"
        ]
    }
}
