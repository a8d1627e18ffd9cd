import ArgumentParser
import DeliveryPolicy
import MailModel

struct BouncesCommandGroup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bounces", abstract: "Tells how failures are classified.",
        subcommands: [BouncesClassifyCommand.self])
}

struct BouncesClassifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "classify", abstract: "Shows bounce class and severity of a reply, and the rule that decided.",
        discussion: """
            Without REPLY it reads replies from standard input, one a line, and prints a line for each. "\\n" in a reply
            separates its lines; a leading "smtp;", as in Diagnostic-Code fields of DSNs, is passed over.

            Examples:
              apus bounces classify "550 5.1.1 <x@example.org>: User unknown"
              apus bounces classify --host gmail-smtp-in.l.google.com "421 4.7.28 unusual rate of unsolicited mail"
              apus bounces classify --rules config/bounces.yaml --json < replies.txt
            """)

    @Argument(help: "The reply with its codes.")
    var reply: String?

    @Option(help: "Configuration file; else APUS_CONFIG, ./apus.yaml, /etc/apus/apus.yaml.")
    var config: String?

    @Option(help: "This file of bounce rules, whatever sender.bounces says.")
    var rules: String?

    @Option(help: "Name of the MX host that replied.")
    var host: String?

    @Option(help: "What the reply answered: greeting, ehlo, mail, rcpt, data or acknowledgement (the final dot).")
    var stage = Failure.Stage.rcpt

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    func validate() throws {
        let stages: Set<Failure.Stage> = [.greeting, .ehlo, .mail, .rcpt, .data, .acknowledgement]
        guard stages.contains(stage) else {
            throw ValidationError("--stage \(stage.rawValue): no reply is judged there")
        }
        if let reply, ReplyText.parse(reply) == nil { throw ValidationError("\(reply): \(ReplyText.wanted)") }
    }

    func run() async throws {
        let bounces = try Exit.bounceRules(rules, config: config)
        let classification = ReplyClassification(rules: bounces, host: host, stage: stage)
        if let reply {
            guard let reply = ReplyText.parse(reply) else { throw Exit.bug }  // validated before
            let answer = classification.answer(to: reply)
            return say(json ? try NodeOptions.line(answer) : answer.page)
        }
        var wrong = 0
        try ReplyText.forEachLine { number, line in
            guard let reply = ReplyText.parse(line) else {
                wrong += 1
                return ToolFile.standardError.say("apus: line \(number): \(ReplyText.wanted)")
            }
            let answer = classification.answer(to: reply)
            say(json ? try NodeOptions.line(answer) : answer.row)
        }
        if wrong > 0 { throw Exit.no }
    }
}

extension Failure.Stage: ExpressibleByArgument {}
extension BounceClass: ExpressibleByArgument {}
