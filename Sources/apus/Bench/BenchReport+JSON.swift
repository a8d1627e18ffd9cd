import LoadTest
import MailModel
import NIOCore

extension BenchReport {
    /// One object on one line. Times are whole microseconds.
    var json: ByteBuffer {
        var json = JSONObjectWriter(into: ByteBuffer())
        json.field("run", figures.run)
        json.field("server", server.description)
        json.field("seed", Int(exactly: figures.seed))
        json.field("connections", configuration.connections)
        if let schedule = configuration.schedule {
            json.object("schedule") { json in
                json.field("per_minute", Int((schedule.rate * 60).rounded()))
                json.field("pattern", schedule.pattern.rawValue)
            }
        }
        json.field("interrupted", figures.isInterrupted)
        json.field("milliseconds", Int(seconds * 1000))
        json.object("messages") { json in
            json.field("started", results.started)
            json.field("accepted", results.accepted)
            json.field("refused", results.refused)
            json.field("failed", results.failed)
            json.field("never_begun", unbegun)
        }
        json.object("recipients") { json in
            json.field("accepted", results.recipients)
            json.field("refused", results.refusedRecipients)
        }
        json.field("messages_per_second", Int(rate.rounded()))
        json.field("octets", results.octets)
        json.field("octets_per_second", Int(Double(results.octets) / seconds))
        json.field("connections_made", results.connections)
        json.field("processor_us", Int(figures.processor))
        json.field("processor_us_per_message", processorPerMessage)
        json.array("phases", LoadResults.Phase.allCases.filter { results[$0].count > 0 }) { json, phase in
            json.field("phase", phase.name)
            json.object("us") { LatencyText.write(results[phase], into: &$0) }
        }
        json.array("histogram", results[.total].steps()) { json, step in
            json.field("up_to_us", Int(step.upTo / 1000))
            json.field("count", step.count)
        }
        writeAnswers(into: &json)
        if let delivery { write(delivery, into: &json) }
        return json.finish()
    }

    private func writeAnswers(into json: inout JSONObjectWriter) {
        json.array("replies", results.replies.list) { json, reply in
            json.field("stage", reply.stage.name)
            json.field("code", reply.code)
            json.field("count", reply.count)
        }
        json.array("errors", results.errors.sorted { $0.value.count > $1.value.count }) { json, errors in
            json.field("error", errors.key)
            json.field("count", errors.value.count)
            json.field("example", errors.value.example)
        }
    }

    private func write(_ delivery: BenchDelivery, into json: inout JSONObjectWriter) {
        json.object("delivery") { json in
            json.field("received", delivery.arrivals.received)
            json.field("unique", delivery.arrivals.unique)
            json.field("repeated", delivery.arrivals.repeated)
            json.field("lost", delivery.lost)
            json.field("lost_numbers", delivery.lost > 0 ? ArrivalReport.text(delivery.lostRanges) : nil)
            json.field("unexpected", delivery.unexpected)
            json.field("milliseconds", Int(delivery.elapsed / 1000))
            json.field("recipients_per_second", Int(deliveryRate.rounded()))
            json.object("latency_us") { LatencyText.write(delivery.arrivals.latencies, into: &$0) }
        }
    }
}
