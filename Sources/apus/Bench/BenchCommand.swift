import ArgumentParser
import LoadTest

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Puts a server under load, and measures what it does.",
        discussion: """
            Without --rate the next message follows the reply to the last one (a closed loop). With it each message \
            has its moment, whatever the server does, and latencies count from that moment (an open loop).

            Examples:
              apus bench                                             10 seconds, 10 connections, 127.0.0.1:2525
              apus bench 127.0.0.1:2525 --messages 10000 --connections 20 --size 4KB
              apus bench --rate 500/s --duration 30s --size 2KB:70,50KB:25,1MB:5 --domains 100 --domain-pattern zipf
              apus bench --messages 1000 --per-connection 1 --lockstep         as smtp-source does
              apus bench --messages 10000 --sink 127.0.0.1:2600                what arrives there, what is lost
              apus bench --messages 1000 --domains good.test:90,bad.test:10 --json

            Each message is unique. Its header field X-Bench has the run, its number and the moment it was due, so \
            that --sink, and apus sink anywhere, can tell what was lost or repeated, and how long it took.

            Ctrl-C begins no more messages, waits for those under way and reports; once more, it waits for nothing.

            Exit codes: 0 every message got a positive reply, and with --sink arrived; 1 not so; 64 usage; \
            69 no server there.
            """)

    @Argument(
        help: ArgumentHelp("Server (default: 127.0.0.1:2525).", valueName: "host:port"),
        transform: { try HostEndpoint.parse($0, ports: 1...65_535) })
    var server: HostEndpoint?

    @OptionGroup(title: "Load") var load: BenchLoadOptions
    @OptionGroup(title: "Messages") var message: BenchMessageOptions
    @OptionGroup(title: "Sessions") var session: BenchSessionOptions

    @Option(
        help: ArgumentHelp(
            """
            Listen here too, wait until everything that was accepted has arrived, and report both. The server must \
            deliver there.
            """, valueName: "address:port"),
        transform: { try HostEndpoint.parse($0, ports: 1...65_535) })
    var sink: HostEndpoint?

    @Option(
        help: ArgumentHelp(
            "What has not arrived when nothing came for so long is lost (default: 30s).", valueName: "time"),
        transform: ToolValue.duration)
    var sinkWait: Duration?

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("Name of the run: 1 to 32 letters and digits (default: a new one).", valueName: "text"))
    var runName: String?

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "Print no progress on standard error.")
    var quiet = false

    func validate() throws {
        if let runName, !BenchField.isRun(runName) {
            throw ValidationError("--run \"\(runName)\": 1 to 32 letters and digits")
        }
        if sinkWait != nil, sink == nil { throw ValidationError("--sink-wait has no effect without --sink") }
        if let sinkWait, sinkWait < .milliseconds(100) { throw ValidationError("--sink-wait: 100ms or more") }
        let total = (load.messages ?? 1).multipliedReportingOverflow(by: message.recipients)
        guard !total.overflow, total.partialValue <= BenchField.numberLimit else {
            throw ValidationError("--messages times --recipients: at most \(BenchField.numberLimit)")
        }
    }

    func run() async throws { try await BenchRun(self).run() }
}
