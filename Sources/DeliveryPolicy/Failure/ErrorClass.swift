/// Kind of a temporary failure, which chooses the retry rule. The names are Exim's.
package enum ErrorClass: String, Sendable, CaseIterable {
    case authFailed = "auth_failed"
    case mail4xx = "mail_4xx"
    case rcpt4xx = "rcpt_4xx"
    case data4xx = "data_4xx"
    case lostConnection = "lost_connection"
    case lookup
    /// The host refused the connection, or the session before MAIL.
    case refused
    case timeout
    /// No answer to the connection attempt, or no way to the host.
    case timeoutConnect = "timeout_connect"
    case tlsRequired = "tls_required"
    case quota
    case greylisting
    case other
}

/// Kind of a failure as reports show it. The names are PowerMTA's bounce categories.
package enum BounceClass: String, Sendable, CaseIterable {
    case spamRelated = "spam-related"
    case virusRelated = "virus-related"
    case contentRelated = "content-related"
    case quotaIssues = "quota-issues"
    case noAnswerFromHost = "no-answer-from-host"
    case relayingIssues = "relaying-issues"
    case routingErrors = "routing-errors"
    case invalidSender = "invalid-sender"
    case inactiveMailbox = "inactive-mailbox"
    case badMailbox = "bad-mailbox"
    case badDomain = "bad-domain"
    case badConfiguration = "bad-configuration"
    case badConnection = "bad-connection"
    case policyRelated = "policy-related"
    case messageExpired = "message-expired"
    case protocolErrors = "protocol-errors"
    case other

    package var severity: Severity {
        switch self {
        case .badMailbox, .inactiveMailbox, .badDomain: .hard
        case .spamRelated, .virusRelated, .policyRelated, .relayingIssues: .block
        default: .soft
        }
    }
}

/// What a failure says about the address.
package enum Severity: String, Sendable, CaseIterable {
    /// Mail to the address will not arrive: do not try again.
    case hard
    /// Another message, or the same one later, may arrive.
    case soft
    /// The originator, the source or the content was refused; nothing is known about the address.
    case block
}
