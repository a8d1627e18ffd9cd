import MailModel

/// The rules for what goes wrong between the STARTTLS command and the first EHLO under TLS (RFC 3207 §4.1).
enum TLSRules {
    static func verdict(on cause: Failure.Cause, in context: FailurePolicy.Context) -> Verdict {
        guard context.requiresTLS else { return inClear }
        return cause == .missingExtension ? notOffered : handshakeFailed
    }

    /// STARTTLS was refused with a reply. 421 is judged before, as everywhere.
    static func verdict(on reply: Reply, in context: FailurePolicy.Context) -> Verdict {
        var verdict = context.requiresTLS ? notOffered : inClear
        verdict.status = reply
        return verdict
    }

    /// Opportunistic TLS protects from listeners; mail that would go in clear anyhow is not held up for it.
    private static let inClear = Verdict(
        scope: .host, elsewhere: .inClear, errorClass: .other, bounceClass: .badConnection,
        effects: [.rememberBrokenTLS, .closesConnection], detail: StatusDetail(7, 5))

    private static let handshakeFailed = Verdict(
        scope: .host, elsewhere: .hosts, errorClass: .tlsRequired, bounceClass: .badConnection,
        effects: .closesConnection, detail: StatusDetail(7, 5))

    /// RFC 5248 §2.4 calls x.7.10 "encryption needed".
    private static let notOffered = Verdict(
        scope: .host, elsewhere: .hosts, errorClass: .tlsRequired, bounceClass: .badConnection,
        effects: .closesConnection, detail: StatusDetail(7, 10))
}
