import ArgumentParser
import MailModel
import NIOCore

/// What the sink answers.
struct SinkAnswerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Wait before the reply to the final dot, as 500ms or 2s.", valueName: "time"),
        transform: ToolValue.duration)
    var delay: Duration?

    @Option(
        help: ArgumentHelp("The same for recipients slow@ (default: 10s).", valueName: "time"),
        transform: ToolValue.duration)
    var slowDelay: Duration?

    @Option(
        help: ArgumentHelp("Answer this share with 450, as 10% or 0.5%.", valueName: "share"),
        transform: ToolValue.share)
    var temporaryFailures: Double?

    @Option(
        help: ArgumentHelp("Answer this share with 550.", valueName: "share"), transform: ToolValue.share)
    var permanentFailures: Double?

    @Option(
        help: ArgumentHelp(
            """
            Where failures are answered: instead of the greeting (connect), at RCPT or at the final dot (data). \
            Default: shares and recipients at RCPT, --reply at the final dot.
            """, valueName: "stage"))
    var failAt: SinkStage?

    @Option(
        help: ArgumentHelp(
            "Answer everything with this, as \"450 4.2.0 try later\"; at RCPT with its codes only.",
            valueName: "reply"), transform: ToolValue.reply)
    var reply: Reply?

    @Flag(help: "Take bounce@, defer@, +450 and so on for ordinary recipients.")
    var ignoreRecipients = false

    func validate() throws {
        let sum = (temporaryFailures ?? 0) + (permanentFailures ?? 0)
        guard sum <= 1 else {
            throw ValidationError(
                "--temporary-failures and --permanent-failures are \(Int(sum * 100))% together: at most 100%")
        }
        if failAt == .rcpt || failAt == .connect, let reply, reply.isPositive {
            throw ValidationError("--reply \(reply.code) is no failure: --fail-at takes replies of 400 to 599")
        }
    }

    var rules: SinkRules {
        var rules = SinkRules()
        rules.failAt = failAt
        rules.temporaryShare = temporaryFailures ?? 0
        rules.permanentShare = permanentFailures ?? 0
        rules.reply = reply
        rules.delay = delay.flatMap { $0 > .zero ? TimeAmount($0) : nil }
        if let slowDelay { rules.slowDelay = TimeAmount(slowDelay) }
        rules.readsRecipients = !ignoreRecipients
        return rules
    }
}

/// What the sink keeps and shows of accepted messages.
struct SinkArchiveOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write each message as a file of a maildir, as it came, below Return-Path and Delivered-To.",
            valueName: "directory"))
    var keep: String?

    @Option(
        help: ArgumentHelp(
            """
            Append a line of JSON for each accepted message, before it is answered: time, reverse_path, recipients, \
            size, message_id, client, session, tls, headers.
            """, valueName: "file"))
    var record: String?

    @Option(
        help: ArgumentHelp("Record this header field, as X-Unique-ID; may be repeated.", valueName: "name"))
    var recordHeader: [String] = []

    @Option(
        name: .customLong("print"), defaultAsFlag: SinkArchive.Print.headers, parsing: .next,
        help: ArgumentHelp("Print envelopes with header sections, or with whole messages (full).", valueName: "what"))
    var prints: SinkArchive.Print?

    func validate() throws {
        if !recordHeader.isEmpty, record == nil, prints == nil {
            throw ValidationError("--record-header has no effect without --record FILE (or --print --json)")
        }
    }
}

/// Who may connect, and how.
struct SinkConnectionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Name in the greeting.", valueName: "name"))
    var hostname = "sink.localhost"

    @Option(
        help: ArgumentHelp("Certificate chain in PEM; offers STARTTLS. Needs --tls-key.", valueName: "file"))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("Its private key in PEM.", valueName: "file"))
    var tlsKey: String?

    @Flag(help: "Answer every connection with 421.")
    var refuseConnections = false

    @Option(
        help: ArgumentHelp(
            "Take this many messages a connection; the next gets 421, and the connection is closed.", valueName: "n"))
    var closeAfter: Int?

    @Option(help: ArgumentHelp("Connections at a time; more get 421.", valueName: "n"))
    var connections = 10_000

    @Option(help: ArgumentHelp("Threads (default: one a core).", valueName: "n"))
    var threads: Int?

    func validate() throws {
        guard (tlsCertificate == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-certificate and --tls-key go together")
        }
        guard (1...1_000_000).contains(connections) else {
            throw ValidationError("--connections \(connections): 1 to 1000000")
        }
        if let closeAfter, closeAfter < 0 { throw ValidationError("--close-after \(closeAfter): 0 or more") }
        if let threads, !(1...256).contains(threads) { throw ValidationError("--threads \(threads): 1 to 256") }
        guard hostname.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), (1...253).contains(hostname.utf8.count) else {
            throw ValidationError("--hostname \"\(hostname)\": a host name of 1 to 253 characters without blanks")
        }
    }
}
