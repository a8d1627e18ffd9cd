internal import MailModel

/// `ingress.verify`.
extension ConfigurationTable {
    private struct HostEntry: Sendable {
        var smtp: HostPort?
        var lmtp: LMTPPlace?
        var mx: Bool?

        var hosts: [VerifyHost] {
            var all: [VerifyHost] = []
            if let smtp { all.append(.host(smtp, isLMTP: false)) }
            switch lmtp {
            case .host(let place): all.append(.host(place, isLMTP: true))
            case .unix(let path): all.append(.unixLMTP(path))
            case nil: break
            }
            if mx == true { all.append(.mx(port: 25)) }
            return all
        }
    }

    private enum LMTPPlace: Sendable { case host(HostPort), unix(String) }

    static let verify = ConfigurationSection<VerifyConfiguration> {
        Field(
            "hosts", \.hosts, verifyHosts, default: "none",
            "Domains whose recipients are asked for at a host before they are accepted: MAIL FROM:<>, RCPT, never DATA. "
                + "A recipient that a table names is not asked for.")
        Field(
            "unverified", \.unverified, .choice,
            "What becomes of a recipient while nobody says whether it exists: 450 4.1.1, or accepted.")
        Field(
            "positive_expire", \.positiveExpire, .duration(.seconds(1)...(.days(365))),
            "How long an address is known to exist (Postfix's address_verify_positive_expire_time).")
        Field(
            "positive_refresh", \.positiveRefresh, .duration(.seconds(1)...(.days(365))),
            "When it is asked for again, behind mail that goes through.")
        Field(
            "negative_expire", \.negativeExpire, .duration(.seconds(1)...(.days(365))),
            "How long an address is known not to exist.")
        Field(
            "unanswered_expire", \.unansweredExpire, .duration(.seconds(1)...(.hours(24))),
            "How long an address is not asked for again after a host did not answer.")
        Field("timeout", \.timeout, .duration(.seconds(1)...(.seconds(300))), "Longest wait for an answer.")
        Field("probes", \.probes, .integer(1...1000), "Call-outs at once.")
        Field("waiting", \.waiting, .integer(1...100_000), "Call-outs that wait for their turn; more are unanswered.")
        Field("remembered", \.remembered, .integer(1...10_000_000), "Results kept; those of long ago go first.")
    }

    private static let verifyHosts = ValueKind<[VerifyConfiguration.Entry]>.mapping(
        keys: .domain, placeholder: "DOMAIN", to: verifyHost, upTo: 10_000
    ) { VerifyConfiguration.Entry(domain: $0, host: $1) }

    private static let verifyKeys = ConfigurationSection<HostEntry> {
        Field("smtp", \.smtp, hostPort.optional, "Host to ask by SMTP; port 25 unless given.")
        Field("lmtp", \.lmtp, lmtpPlace.optional, "Host to ask by LMTP, or unix:/path; port 24 unless given.")
        Field("mx", \.mx, onlyTrue.optional, "Ask the MX hosts of the domain; never where those are this node.")
    }

    private static let verifyHost: ValueKind<VerifyHost> = {
        let section = ValueKind<HostEntry>.section(verifyKeys, from: { HostEntry() })
        return ValueKind(
            allowed: section.allowed, schema: section.schema,
            read: { node, reader in
                let before = reader.issues.count
                guard let entry = section.read(node, reader), reader.issues.count == before else { return nil }
                guard entry.hosts.count == 1, let host = entry.hosts.first else {
                    reader.report(
                        key: reader.currentPath,
                        "has \(entry.hosts.count) hosts to ask; allowed: exactly one of smtp, lmtp, mx")
                    return nil
                }
                return host
            }, show: { _ in nil }, rows: section.rows)
    }()

    private static let lmtpPlace = ValueKind<LMTPPlace>.text(
        "host:port, host, or unix:/path", show: { _ in nil }
    ) { text throws(Refusal) in
        guard text.hasPrefix("unix:") else { return .host(try HostPort(parsing: text)) }
        let path = String(text.dropFirst(5))
        // sun_path holds 108 bytes with the final zero (unix(7)).
        guard path.hasPrefix("/"), path.utf8.count < 108 else { throw Refusal("is no absolute path of a socket") }
        return .unix(path)
    }
}
