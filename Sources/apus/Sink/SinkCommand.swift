import ArgumentParser

struct SinkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sink", abstract: "Takes all mail and throws it away: the far end of a test.",
        discussion: """
            Recipients may ask for an answer, whatever their domain:
              success@  always accepted, exempt from --reply and the shares of failures
              bounce@   550 5.1.1
              defer@    450 4.2.1
              slow@     accepted after --slow-delay
              close@    421 to the final dot, then the connection is closed
              x+450@    this code, 400 to 599
            What follows a "+" is a label otherwise: bounce+order17@ is bounce@.

            Examples:
              apus sink                                         on 127.0.0.1:2600
              apus sink 127.0.0.1:2600 [::1]:2600 --count       a line a second on standard error
              apus sink --temporary-failures 10% --delay 200ms
              apus sink --reply "550 5.7.1 not you" --fail-at data
              apus sink --record got.jsonl --record-header X-Unique-ID --max-messages 1000
              apus sink --print full

            SIGTERM and SIGINT end it: it prints totals and exits with 0. Port 0 takes a free port, which is printed.
            """)

    @Argument(
        help: ArgumentHelp("Where to listen (default: 127.0.0.1:2600).", valueName: "address:port"),
        transform: { try HostEndpoint.parse($0, ports: 0...65_535) })
    var addresses: [HostEndpoint] = []

    @OptionGroup(title: "Answers") var answers: SinkAnswerOptions
    @OptionGroup(title: "Keeping and showing") var archive: SinkArchiveOptions
    @OptionGroup(title: "Connections") var connections: SinkConnectionOptions

    @Flag(help: "Tell messages and rate on standard error, once a second.")
    var count = false

    @Option(help: ArgumentHelp("Accept this many messages, then end with 0.", valueName: "n"))
    var maxMessages: Int?

    @Flag(help: "Print neither addresses nor totals.")
    var quiet = false

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    func validate() throws {
        if let maxMessages, maxMessages < 1 { throw ValidationError("--max-messages \(maxMessages): 1 or more") }
    }

    func run() async throws { try await SinkRun(self).run() }
}
