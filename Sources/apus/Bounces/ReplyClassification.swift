import ArgumentParser
import DeliveryPolicy
import MailModel
import NodeRuntime

/// Classifies replies exactly as a lane of a node with these rules would, at its last host and source.
struct ReplyClassification {
    private let rules: BounceRules?
    private let host: String?
    private let stage: Failure.Stage
    private let matcher = PatternMatcher()

    init(rules: BounceRules?, host: String?, stage: Failure.Stage) {
        (self.rules, self.host, self.stage) = (rules, host, stage)
    }

    func answer(to reply: Reply) -> ClassificationAnswer {
        let failure = Failure(stage: stage, cause: .reply(reply), text: reply.text)
        let finding = rules?.find(reply, from: host, using: matcher) ?? BounceRules.Finding()
        let decision = FailurePolicy.disposition(
            of: failure, in: .init(isLastHost: true), ruling: finding.ruling)
        return ClassificationAnswer(
            type: decision.step == .fail ? "failed" : "deferred", class: decision.bounceClass.rawValue,
            severity: decision.severity.rawValue, scope: decision.scope.rawValue,
            errorClass: decision.step == .fail ? nil : decision.errorClass.rawValue,
            rule: decision.rule.flatMap { rules?.place(of: $0) },
            refusedRule: decision.rule == nil ? finding.ruling.flatMap { rules?.place(of: $0.rule) } : nil,
            limitedRules: finding.limited.isEmpty ? nil : finding.limited.compactMap { rules?.place(of: $0) },
            host: host, stage: stage.rawValue,
            reply: .init(code: Int(reply.code), enhanced: reply.enhanced, text: reply.text))
    }
}

/// What is said of one reply; the keys are those of delivery events where an event has the same fact.
struct ClassificationAnswer: Encodable {
    struct Reply: Encodable {
        var code: Int
        var enhanced: String?
        var text: String
    }

    var type: String
    var `class`: String
    var severity: String
    var scope: String
    var errorClass: String?
    /// Nil: the built-in rules decided.
    var rule: String?
    /// Matched, but may not say what it says of this reply.
    var refusedRule: String?
    /// Their patterns reached a limit.
    var limitedRules: [String]?
    var host: String?
    var stage: String
    var reply: Reply

    enum CodingKeys: String, CodingKey {
        case type, `class`, severity, scope
        case errorClass = "error_class"
        case rule
        case refusedRule = "refused_rule"
        case limitedRules = "limited_rules"
        case host, stage, reply
    }

    private var decider: String { rule ?? "built-in" }

    var row: String {
        let enhanced = reply.enhanced.map { " \($0)" } ?? ""
        return "\(`class`)\t\(severity)\t\(type)\t\(decider)\t\(reply.code)\(enhanced) "
            + reply.text.replacing("\n", with: " ")
    }

    var page: String {
        var lines = [
            "class     \(`class`)", "severity  \(severity)",
            "outcome   \(type), a failure of the \(scope)" + (errorClass.map { "; retried as \($0)" } ?? ""),
            "rule      \(decider)",
        ]
        if let refusedRule {
            lines.append("          \(refusedRule) matches too, but blames the address, which this reply is not about")
        }
        for rule in limitedRules ?? [] { lines.append("          \(rule) reached a limit, which is no match") }
        return lines.joined(separator: "\n")
    }
}

extension Exit {
    /// The rules of a file, or of the configuration; all that is wrong goes to standard error.
    static func bounceRules(_ file: String?, config: String?) throws -> BounceRules? {
        guard let file else { return try load(config).0.sender.bounces }
        do {
            return try BounceRules.load(path: file)
        } catch {
            throw saying("\(error)", configuration)
        }
    }
}
