import ArgumentParser
import LoadTest
import MailModel

extension LoadSchedule.Pattern: ExpressibleByArgument {}

/// How many messages, and when.
struct BenchLoadOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Send this many messages.", valueName: "n"))
    var messages: Int?

    @Option(
        help: ArgumentHelp(
            "Begin messages for so long, as 30s; those under way are waited for (default without --messages: 10s).",
            valueName: "time"), transform: ToolValue.duration)
    var duration: Duration?

    @Option(help: ArgumentHelp("Connections at a time.", valueName: "n"))
    var connections = 10

    @Option(
        help: ArgumentHelp("Messages in a time, as 500/s or 20000/m, whatever the server does.", valueName: "rate"),
        transform: BenchValue.rate)
    var rate: Double?

    @Option(
        help: ArgumentHelp(
            """
            With --rate: steady; burst: --burst messages at once, then a pause; ramp: from nothing up to the rate over \
            the whole run.
            """, valueName: "pattern"))
    var pattern = LoadSchedule.Pattern.steady

    @Option(help: ArgumentHelp("Messages of one burst (default: those of one second).", valueName: "n"))
    var burst: Int?

    @Option(
        help: ArgumentHelp("Messages of one connection; 1 makes a new one for each (default: no end).", valueName: "n"))
    var perConnection: Int?

    @Option(
        help: ArgumentHelp("Repeat the run of this number: sizes, recipients, text (default: chance).", valueName: "n"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("Threads (default: half the cores).", valueName: "n"))
    var threads: Int?

    func validate() throws {
        try check("--messages", messages, 1...1_000_000_000)
        try check("--connections", connections, 1...50_000)
        try check("--burst", burst, 1...10_000_000)
        try check("--per-connection", perConnection, 1...1_000_000_000)
        try check("--threads", threads, 1...256)
        if let duration, !(Duration.milliseconds(1)...Duration.seconds(7 * 86_400)).contains(duration) {
            throw ValidationError("--duration: 1ms to 168h")
        }
        if rate == nil, pattern != .steady {
            throw ValidationError("--pattern \(pattern.rawValue) is about moments: give --rate")
        }
        if burst != nil, pattern != .burst { throw ValidationError("--burst has no effect without --pattern burst") }
    }

    /// In nanoseconds.
    var span: Int64? { (duration ?? (messages == nil ? .seconds(10) : nil)).map { $0.wholeMilliseconds * 1_000_000 } }

    var schedule: LoadSchedule? {
        rate.map { LoadSchedule(rate: $0, pattern: pattern, burst: burst, messages: messages, duration: span) }
    }
}

/// What is sent, and to whom.
struct BenchMessageOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Octets of a message, or sizes with their weights, as 2KB:70,50KB:25,1MB:5 (default: 4KB).",
            valueName: "sizes"), transform: BenchValue.sizes)
    var size: [LoadPlan.Size]?

    @Option(help: ArgumentHelp("Recipients of each message.", valueName: "n"))
    var recipients = 1

    @Option(
        help: ArgumentHelp("Reverse-path; \"<>\" is the null one (default: bench@src.test).", valueName: "address"),
        transform: ToolValue.reversePath)
    var from: ReversePath?

    @Option(
        help: ArgumentHelp("Domain of the recipients.", valueName: "domain"), transform: BenchValue.domain)
    var toDomain = "dst.test"

    @Option(
        help: ArgumentHelp(
            "So many domains below --to-domain (d1.dst.test …), or domains with weights, as a.test:70,b.test:30.",
            valueName: "n or list"), transform: BenchValue.domains)
    var domains: BenchValue.Domains?

    @Option(
        help: ArgumentHelp(
            "uniform; zipf: the n-th domain gets an n-th of what the first one gets.", valueName: "pattern"))
    var domainPattern = BenchValue.DomainPattern.uniform

    @Option(
        help: ArgumentHelp(
            "Local part, with a label that differs: bounce gives bounce+b17.0@ (default: b17.0@).", valueName: "name"),
        transform: BenchValue.localPart)
    var localPart: String?

    @Option(
        help: ArgumentHelp("Header field; may be repeated.", valueName: "name: value"), transform: SendField.parse)
    var header: [SendField] = []

    @Option(help: ArgumentHelp("Different values of X-Apus-Tenant; 0: none.", valueName: "n"))
    var tenants = 0

    @Option(help: ArgumentHelp("Different values of X-Apus-Campaign; 0: none.", valueName: "n"))
    var campaigns = 0

    func validate() throws {
        try check("--recipients", recipients, 1...BenchField.recipientLimit)
        try check("--tenants", tenants, 0...1_000_000)
        try check("--campaigns", campaigns, 0...1_000_000)
        try check("--header", header.count, 0...100)
        if case .weighted? = domains, domainPattern == .zipf {
            throw ValidationError("--domain-pattern zipf and weights in --domains: give one of them")
        }
        if domains == nil, domainPattern == .zipf {
            throw ValidationError("--domain-pattern has no effect without --domains N")
        }
    }

    func plan(run: String, seed: UInt64) -> LoadPlan {
        let names: [String]
        let choice: WeightedChoice
        switch domains ?? .count(1) {
        case .weighted(let list):
            names = list.map(\.name)
            choice = WeightedChoice(list.map(\.weight))
        case .count(1):
            (names, choice) = ([toDomain], .uniform(1))
        case .count(let count):
            names = (1...count).map { "d\($0).\(toDomain)" }
            choice = domainPattern == .zipf ? .zipf(count) : .uniform(count)
        }
        return LoadPlan(
            run: run, seed: seed, reversePath: from.map { $0.mailbox?.description ?? "" } ?? "bench@src.test",
            recipients: recipients, localPrefix: localPart.map { "\($0)+" } ?? "", fields: header.map(\.line),
            tenants: tenants, campaigns: campaigns, sizes: size ?? [LoadPlan.Size(octets: 4000)], domains: names,
            domainChoice: choice)
    }
}

/// How the server is spoken to.
struct BenchSessionOptions: ParsableArguments {
    @Flag(help: "STARTTLS, whatever the certificate.")
    var tls = false

    @Flag(help: "MAIL, RCPT and DATA at once, or the session fails (default: where it is offered).")
    var pipelining = false

    @Flag(help: "Wait for the reply to each command, also where PIPELINING is offered.")
    var lockstep = false

    @Flag(help: "BDAT in place of DATA, or the session fails.")
    var chunking = false

    @Option(help: ArgumentHelp("Name for EHLO.", valueName: "name"))
    var ehlo = "bench.localhost"

    @Option(
        help: ArgumentHelp("Longest wait for a reply or a connection (default: 60s).", valueName: "time"),
        transform: ToolValue.duration)
    var timeout: Duration?

    func validate() throws {
        if pipelining, lockstep { throw ValidationError("--pipelining and --lockstep: give one of them") }
        guard (1...255).contains(ehlo.utf8.count), ehlo.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ValidationError("--ehlo \"\(ehlo)\": a host name of 1 to 255 characters without blanks")
        }
        if let timeout, !(Duration.milliseconds(100)...Duration.seconds(86_400)).contains(timeout) {
            throw ValidationError("--timeout: 100ms to 24h")
        }
    }

    var options: LoadSession.Options {
        var options = LoadSession.Options(ehloName: ehlo)
        options.pipelining = pipelining ? .required : lockstep ? .never : .ifOffered
        options.startTLS = tls
        options.chunking = chunking
        return options
    }
}

private func check(_ option: String, _ value: Int?, _ range: ClosedRange<Int>) throws {
    guard let value, !range.contains(value) else { return }
    throw ValidationError("\(option) \(value): \(range.lowerBound) to \(range.upperBound)")
}
