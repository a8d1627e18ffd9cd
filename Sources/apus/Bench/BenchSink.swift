import ArgumentParser
import Foundation
import LoadTest
import MailModel
import NIOCore
import NIOPosix
import SMTPProtocol
import SMTPTransport

/// What arrived of a run, beside what was accepted.
struct BenchDelivery {
    var arrivals: RunArrivals
    /// Recipients that were accepted and did not arrive, and arrived though no positive reply came.
    var lost: Int
    var unexpected: Int
    /// Numbers of messages with lost recipients.
    var lostRanges: SlotRanges
    /// From the start of the run to the last arrival, in microseconds.
    var elapsed: Int64
}

/// A sink in this process, for a run whose server delivers to it.
struct BenchSink {
    /// Time for transactions under way when it ends.
    private static let shutdownLimit = TimeAmount.seconds(2)
    private static let shownRanges = 10

    private let receiver: SinkReceiver
    private let listener: SMTPListener

    static func started(at address: HostEndpoint, on group: MultiThreadedEventLoopGroup) async throws -> BenchSink {
        let receiver = SinkReceiver(
            SinkReceiver.Configuration(session: .sink(hostname: "sink.localhost"), rules: SinkRules())
        ) {
        } onError: { error in
            ToolFile.standardError.say("apus: bench: \(error)")
        }
        var configuration = SMTPListener.Configuration(name: "sink", host: address.host, port: address.port)
        configuration.connectionLimit = 100_000
        configuration.unproductiveTimeout = .hours(24)
        do {
            let gauge = ContentGauge(limit: SinkRun.memoryLimit)
            let listener = try await SMTPListener.bind(configuration, receiver: receiver, gauge: gauge, group: group)
                .get()
            return BenchSink(receiver: receiver, listener: listener)
        } catch {
            let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
            throw Exit.saying("bench: --sink: cannot listen on \(address): \(reason)", Exit.unreachable)
        }
    }

    /// Until everything accepted has arrived, nothing came for `longest`, or a signal ends the waiting.
    func wait(
        for run: String, of recipients: Int, _ results: LoadResults, since start: Int64, longest: Duration,
        _ end: BenchEnd
    ) async -> BenchDelivery {
        let began = ToolClock.microseconds
        let limit = longest.wholeMilliseconds * 1000
        while true {
            let arrivals = receiver.arrivals.arrivals(of: run)
            let isAll =
                (arrivals?.unique ?? 0) >= results.recipients
                && results.acceptedSlots.countMissing(from: arrivals?.slots ?? SlotSet()) == 0
            let quiet = ToolClock.microseconds - max(began, receiver.arrivals.last)
            if isAll || quiet >= limit || end.isSignalled {
                return delivery(arrivals ?? RunArrivals(recipients: recipients), results, start)
            }
            do {
                try await Task.sleep(for: .milliseconds(20))
            } catch {
                return delivery(arrivals ?? RunArrivals(recipients: recipients), results, start)
            }
        }
    }

    func stop() async throws { try await listener.shutdown(within: Self.shutdownLimit).get() }

    private func delivery(_ arrivals: RunArrivals, _ results: LoadResults, _ start: Int64) -> BenchDelivery {
        let accepted = results.acceptedSlots
        let lost = accepted.subtracting(arrivals.slots)
        return BenchDelivery(
            arrivals: arrivals, lost: lost.count,
            unexpected: arrivals.slots.countMissing(from: accepted),
            lostRanges: lost.ranges(ofGroups: arrivals.recipients, limit: Self.shownRanges),
            elapsed: max(0, receiver.arrivals.last - start))
    }
}
