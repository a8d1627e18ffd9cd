import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// What `apus bench` says of a server is what the server saw.
    @Suite struct BenchTests {
        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("smtp-sink"), "needs Postfix"))
        func smtpSink() async throws {
            let port = try LoopbackPort.free()
            let sink = try ChildProcess("smtp-sink", ["-u", "root", "127.0.0.1:\(port)", "100"])
            try await wait(until: "smtp-sink listens") { LoopbackPort.isListening(port) }
            let kept = try await Bench.run(port, ["--messages", "200", "--connections", "4", "--recipients", "3"])
            #expect(kept.exit == .code(0))
            #expect(kept.report.messages.accepted == 200 && kept.report.recipients["accepted"] == 600)
            #expect(kept.report.connectionsMade == 4)
            #expect(kept.report.count("mail", 250) == 200 && kept.report.count("rcpt", 250) == 600)
            #expect(kept.report.count("data", 354) == 200 && kept.report.count("content", 250) == 200)
            let new = try await Bench.run(
                port, ["--messages", "50", "--connections", "4", "--per-connection", "1", "--lockstep"])
            #expect(new.exit == .code(0))
            #expect(new.report.connectionsMade == 50)
            for phase in ["connect", "greeting", "envelope", "content", "transaction", "total"] {
                #expect(new.report.phase(phase)?.count == 50, "\(phase)")
            }
            sink.killNow()
            try await sink.waitForExit()
        }

        @Test(.timeLimit(.minutes(10))) func inTLSAndInChunks() async throws {
            let certificate = try await Certificate(for: "sink.test")
            let files = try ScratchDirectory()
            let sink = try await ApusSink.started(
                ["--tls-certificate", certificate.certificate, "--tls-key", certificate.key], in: files)
            let done = try await Bench.run(
                sink.port,
                [
                    "--messages", "60", "--connections", "3", "--tls", "--chunking", "--pipelining", "--size",
                    "2KB:8,200KB:2",
                ])
            #expect(done.exit == .code(0))
            #expect(done.report.messages.accepted == 60)
            #expect(done.report.phase("tls")?.count == 3)
            #expect(done.report.count("data", 354) == 0)
            let records = try await sink.stop()
            #expect(records.count == 60)
            #expect(Set(records.map(\.size)) == [2000, 200_000])
            #expect(records.map(\.size).reduce(0, +) == done.report.octets)
        }

        /// An open loop: what waits for a stalled server counts from its moment (no coordinated omission).
        @Test(.timeLimit(.minutes(10))) func latenciesCountFromTheMomentAMessageIsDue() async throws {
            let files = try ScratchDirectory()
            let sink = try await ApusSink.started(["--delay", "300ms"], in: files)
            let done = try await Bench.run(
                sink.port, ["--messages", "6", "--rate", "100/s", "--connections", "1"])
            #expect(done.exit == .code(0))
            let transaction = try #require(done.report.phase("transaction"))
            let total = try #require(done.report.phase("total"))
            #expect(transaction.p50 >= 299_000)
            // The last was due after 50 ms and waited for five others.
            #expect(total.max >= 6 * 299_000 - 50_000)
            #expect(total.max > 2 * transaction.p50)
            _ = try await sink.stop()
        }

        /// What a server is too slow for is told, not left out.
        @Test(.timeLimit(.minutes(10))) func whatWasNeverBegunIsCounted() async throws {
            let files = try ScratchDirectory()
            let sink = try await ApusSink.started(["--delay", "400ms"], in: files)
            let done = try await Bench.run(
                sink.port, ["--duration", "1s", "--rate", "20/s", "--connections", "1"])
            #expect(done.exit == .code(1))
            let messages = done.report.messages
            #expect(messages.started + messages.neverBegun == 20)
            #expect((1...4).contains(messages.started))
            #expect(try await sink.stop().count == messages.accepted)
        }

        @Test(.timeLimit(.minutes(10))) func interrupted() async throws {
            let files = try ScratchDirectory()
            let sink = try await ApusSink.started([], in: files)
            let bench = try Apus.start(
                ["bench", "127.0.0.1:\(sink.port)", "--messages", "1000000", "--rate", "100/s", "--json"])
            try await wait(until: "some messages came") {
                let record = try? files.read("record.jsonl")  // not there before the first
                return (record ?? "").split(separator: "\n").count >= 10
            }
            bench.signal(SIGINT)
            #expect(try await bench.waitForExit() == .code(0))
            try await bench.readToEnd()
            let report = try Bench.decode(bench.output, bench.errors)
            #expect(report.interrupted)
            #expect(report.messages.accepted >= 10 && report.messages.accepted == report.messages.started)
            #expect(try await sink.stop().count == report.messages.accepted)
        }

        @Test(.timeLimit(.minutes(10))) func exitCodes() async throws {
            let nobody = try await Apus.run(["bench", "127.0.0.1:\(try LoopbackPort.free())", "--messages", "5"])
            #expect(nobody.exit == .code(69), "\(nobody)")
            for wrong in [
                ["--messages", "0"], ["--rate", "5"], ["--rate", "inf/s"], ["--size", "4"], ["--size", "1KB:0"],
                ["--connections", "0"], ["--domains", "0"], ["--domains", "a..b:1"], ["--pattern", "ramp"],
                ["--pipelining", "--lockstep"], ["--sink-wait", "1s"], ["--run", "a b"], ["--recipients", "20000"],
                ["--domain-pattern", "zipf"], ["--local-part", "a b"], ["--timeout", "1ms"],
            ] {
                let done = try await Apus.run(["bench"] + wrong)
                #expect(done.exit == .code(64), "\(wrong): \(done)")
                #expect(done.errors.contains { $0.contains(wrong[0]) }, "\(wrong): \(done.errors)")
            }
        }
    }
}
