package import MailModel

/// When a deferred recipient is tried again: exponential back-off, by error class.
///
/// RFC 5321 §4.5.4.1 asks for 30 minutes between tries and says that a short first wait often serves well; its 4–5 days
/// in total are the message's lifetime, which arrives here as `expiry`.
package struct RetryPolicy: Equatable, Sendable {
    package struct Rule: Equatable, Sendable {
        /// After the first attempt.
        package var first: Duration
        /// What each further attempt multiplies the wait by; 1 or more.
        package var factor: Double
        package var maximum: Duration
        /// Share of the wait by which it varies either way, 0–0.9: without it a site gets all it deferred at one moment.
        package var jitter: Double

        package init(first: Duration, factor: Double = 2, maximum: Duration, jitter: Double = 0.2) {
            self.first = first
            self.factor = max(1, factor)
            self.maximum = max(first, maximum)
            self.jitter = min(max(0, jitter), 0.9)
        }

        /// 5m, 10m, 20m … up to 2h, ± 20 %.
        package static let standard = Rule(first: .seconds(300), maximum: .seconds(7200))
        /// A mailbox that is full stays so for a while.
        package static let quota = Rule(first: .seconds(3600), maximum: .seconds(4 * 3600))
    }

    /// For the error classes it does not name, `fallback` applies.
    package var rules: [ErrorClass: Rule]
    package var fallback: Rule

    package init(rules: [ErrorClass: Rule] = [.quota: .quota], fallback: Rule = .standard) {
        self.rules = rules
        self.fallback = fallback
    }

    package func rule(for errorClass: ErrorClass) -> Rule { rules[errorClass] ?? fallback }

    /// Wait before the next attempt.
    ///
    /// - Parameter attempt: Attempts already made; 1 or more.
    package func delay(
        attempt: Int, errorClass: ErrorClass, using random: inout some RandomNumberGenerator
    ) -> Duration {
        let rule = rule(for: errorClass)
        let maximum = Double(rule.maximum.wholeMilliseconds)
        var wait = Double(rule.first.wholeMilliseconds)
        var left = attempt - 1
        while left > 0, wait < maximum, rule.factor > 1 { (wait, left) = (wait * rule.factor, left - 1) }
        wait = min(wait, maximum)
        if rule.jitter > 0 { wait *= Double.random(in: (1 - rule.jitter)...(1 + rule.jitter), using: &random) }
        return .milliseconds(Int64(min(wait, 1e15)))
    }

    /// Due time of the next attempt; the last one comes shortly before the lifetime ends.
    ///
    /// - Parameters:
    ///   - attempt: Attempts already made; 1 or more.
    ///   - expiry: End of the message's lifetime.
    /// - Returns: `nil` when no further attempt fits: the recipient expires.
    package func nextDue(
        after now: Timestamp, attempt: Int, errorClass: ErrorClass, expiry: Timestamp,
        using random: inout some RandomNumberGenerator
    ) -> Timestamp? {
        let due = now + delay(attempt: attempt, errorClass: errorClass, using: &random)
        let first = rule(for: errorClass).first
        // Time for the last attempt itself, and no two attempts in a hurry for its sake.
        let latest = expiry + first / -10
        if due <= latest { return due }
        return latest - now >= first / 2 ? latest : nil
    }
}
