import DeliveryPolicy
import MailModel

/// Applies the operator's bounce rules to what hosts reply. Bound to a loop, because a matcher is.
final class BounceClassifier {
    /// Of the configuration in force.
    var limits: PatternLimitLog
    private let matcher = PatternMatcher()

    init(_ limits: PatternLimitLog) { self.limits = limits }

    /// - Parameter host: Name of the host that replied.
    /// - Returns: `nil` without rules, without a rule that matches, and for failures without a reply.
    func ruling(on failure: Failure, from host: String) -> BounceRuling? {
        guard let rules = limits.rules, let reply = failure.reply else { return nil }
        let finding = rules.find(reply, from: host, using: matcher)
        if !finding.limited.isEmpty { limits.note(finding.limited) }
        return finding.ruling
    }
}
