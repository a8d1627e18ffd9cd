import ArgumentParser
import MailModel

struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Sends one mail, or many, and prints what the server said.",
        discussion: """
            Examples:
              apus send --from a@src.test --to b@dst.test
              apus send --from a@src.test --to b@dst.test --to c@dst.test --subject Hello --body "Good morning" \\
                        --header "X-Apus-Tenant: shop"
              apus send --from a@src.test --to b@dst.test --data message.eml --verbose
              apus send --from a@src.test --to b@dst.test --count 1000 --sessions 10 --size 4KB
              apus send --from a@src.test --to b@dst.test --notify success,failure --ret full --envid order-17

            A message that is composed, and each of a --count, gets an X-Unique-ID of its own.

            Exit codes: 0 all recipients accepted; 1 refused; 64 usage; 69 no server there; 75 refused for now.
            """)

    @Option(
        help: ArgumentHelp("Server (default: 127.0.0.1:2525).", valueName: "host:port"),
        transform: { try HostEndpoint.parse($0, ports: 1...65_535) })
    var server: HostEndpoint?

    @OptionGroup(title: "Envelope") var envelope: SendEnvelopeOptions
    @OptionGroup(title: "Message") var message: SendMessageOptions
    @OptionGroup(title: "Session") var session: SendSessionOptions

    @Option(help: ArgumentHelp("Send this many messages.", valueName: "n"))
    var count = 1

    @Option(help: ArgumentHelp("Connections at a time.", valueName: "n"))
    var sessions = 1

    @Flag(help: "Print the dialogue on standard error.")
    var verbose = false

    @Flag(help: "Print JSON, one object for each recipient.")
    var json = false

    func validate() throws {
        guard (1...100_000_000).contains(count) else { throw ValidationError("--count \(count): 1 to 100000000") }
        guard (1...10_000).contains(sessions) else { throw ValidationError("--sessions \(sessions): 1 to 10000") }
    }

    func run() async throws {
        let content = try message.content(envelope, isSeries: count > 1)
        try await SendRun(self, content).run()
    }
}

/// MAIL and RCPT.
struct SendEnvelopeOptions: ParsableArguments {
    /// More than a server has to take in one transaction (RFC 5321 §4.5.3.1.8), so that limits can be tried.
    private static let recipientLimit = 100_000

    @Option(
        help: ArgumentHelp("Reverse-path; \"<>\" is the null one.", valueName: "address"),
        transform: ToolValue.reversePath)
    var from: ReversePath

    @Option(
        help: ArgumentHelp("Recipient; may be repeated.", valueName: "address"), transform: ToolValue.mailbox)
    var to: [Mailbox]

    @Option(
        help: ArgumentHelp("When to be notified: success, failure, delay in a list, or never.", valueName: "list"),
        transform: Self.notify)
    var notify: Notify?

    @Option(
        help: ArgumentHelp("What a notice is to hold: full or headers.", valueName: "what"),
        transform: Self.returnContent)
    var ret: ReturnContent?

    @Option(help: ArgumentHelp("Envelope ID for notices.", valueName: "text"))
    var envid: String?

    func validate() throws {
        guard to.count <= Self.recipientLimit else {
            throw ValidationError("--to: \(to.count) recipients, at most \(Self.recipientLimit)")
        }
        if let envid, !(1...100).contains(envid.utf8.count) || !envid.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            throw ValidationError("--envid \"\(envid)\": 1 to 100 printable ASCII characters without blanks")
        }
    }

    var wantsDSN: Bool { notify != nil || ret != nil || envid != nil }

    var recipients: [Recipient] {
        to.enumerated().map { Recipient(mailbox: $1, index: $0, notify: notify) }
    }

    /// RFC 3461 §4.1.
    private static func notify(_ text: String) throws -> Notify {
        if text == "never" { return .never }
        let names: [Substring: Notify] = ["success": .success, "failure": .failure, "delay": .delay]
        return try text.split(separator: ",", omittingEmptySubsequences: false).reduce(into: []) { notify, word in
            guard let element = names[word] else {
                throw ValidationError("write success, failure and delay in a list with commas, or never")
            }
            notify.insert(element)
        }
    }

    private static func returnContent(_ text: String) throws -> ReturnContent {
        switch text {
        case "full": return .full
        case "headers", "hdrs": return .headers
        default: throw ValidationError("write full or headers")
        }
    }
}

/// How the server is spoken to.
struct SendSessionOptions: ParsableArguments {
    enum TLS: String, CaseIterable, ExpressibleByArgument { case none, opportunistic, required, verified }

    @Option(help: ArgumentHelp("Name for EHLO (default: this host's).", valueName: "name"))
    var ehlo: String?

    @Option(
        help: ArgumentHelp(
            """
            none; opportunistic: where it is offered; required: with any certificate; verified: with a certificate \
            of that name from a known authority.
            """, valueName: "policy"))
    var tls = TLS.opportunistic

    @Option(
        help: ArgumentHelp("Longest wait in any step, as 30s (default: 5m).", valueName: "time"),
        transform: ToolValue.duration)
    var timeout: Duration?

    func validate() throws {
        if let ehlo,
            !(1...255).contains(ehlo.utf8.count) || !ehlo.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        {
            throw ValidationError("--ehlo \"\(ehlo)\": a host name of 1 to 255 characters without blanks")
        }
        if let timeout, timeout < .milliseconds(1) { throw ValidationError("--timeout: 1ms or more") }
    }
}
