import DeliveryPolicy
import Logging
import NodeRuntime
import Synchronization

/// The rules of `sender.bounces`, and which of their patterns reached a limit: counted each time, logged once a rule.
///
/// Shared by all loops.
final class PatternLimitLog: Sendable {
    let rules: BounceRules?
    private let metrics: SenderMetrics
    private let logger: Logger
    private let logged = Mutex<Set<Int>>([])

    init(_ rules: BounceRules?, metrics: SenderMetrics, logger: Logger) {
        (self.rules, self.metrics, self.logger) = (rules, metrics, logger)
    }

    func note(_ limited: [Int]) {
        guard let rules else { return }
        for rule in limited {
            let place = rules.place(of: rule)
            metrics.patternLimitReached(rule: place)
            guard logged.withLock({ $0.insert(rule).inserted }) else { continue }
            logger.warning(
                "a bounce rule matches nothing: its pattern backtracks too much",
                metadata: [LogKey.rule: "\(place)", "pattern": "\(rules.rules[rule].pattern?.text ?? "")"])
        }
    }
}
