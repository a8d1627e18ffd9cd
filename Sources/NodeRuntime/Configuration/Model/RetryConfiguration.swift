/// Error classes that may have a retry rule of their own; the names are Exim's where Exim has one.
package enum RetryClass: String, Sendable, CaseIterable {
    case authFailed = "auth_failed"
    case data4xx = "data_4xx"
    case mail4xx = "mail_4xx"
    case rcpt4xx = "rcpt_4xx"
    case lostConnection = "lost_connection"
    case lookup, refused, timeout
    case timeoutConnect = "timeout_connect"
    case tlsRequired = "tls_required"
    case quota, greylisting
}

/// Exponential back-off of one class: `first`, then `factor` times more each time, up to `max`.
package struct RetryRule: Equatable, Sendable {
    package var first: Duration
    package var factor: Double
    package var max: Duration
    /// Part of the delay by which it varies up and down; 0.2 is ±20 %.
    package var jitter: Double

    package init(first: Duration, factor: Double, max: Duration, jitter: Double) {
        (self.first, self.factor, self.max, self.jitter) = (first, factor, max, jitter)
    }
}

/// Retry rules of all classes. A class takes what its own entry does not say from `default`.
package struct RetryConfiguration: Equatable, Sendable {
    struct Override: Equatable, Sendable {
        var first: Duration?
        var factor: Double?
        var max: Duration?
        var jitter: Double?
    }

    package var `default` = RetryRule(first: .seconds(300), factor: 2, max: .seconds(7200), jitter: 0.2)
    var classes: [RetryClass: Override] = [
        .greylisting: Override(first: .seconds(300)), .quota: Override(first: .seconds(3600)),
    ]

    package init() {}

    /// - Returns: The rule of the class; `max` is never below `first`.
    package func rule(for retryClass: RetryClass) -> RetryRule {
        let given = classes[retryClass] ?? Override()
        let first = given.first ?? `default`.first
        let limit = given.max ?? `default`.max
        return RetryRule(
            first: first, factor: given.factor ?? `default`.factor, max: Swift.max(first, limit),
            jitter: given.jitter ?? `default`.jitter)
    }
}
