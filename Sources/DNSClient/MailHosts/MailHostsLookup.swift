internal import MailModel

/// One lookup of a destination or host: answers in, questions and in the end a host list out. Does no I/O.
///
/// Destination: MX → addresses of each target; without MX, addresses of the domain itself. Host: addresses only.
package struct MailHostsLookup {
    package enum Step: Equatable {
        case ask([Question])
        case wait
        /// - ttl: Seconds, the least of all answers.
        case done(MailHostsAnswer, ttl: Int)
    }

    package static let maximumHosts = 20
    static let maximumAddresses = 16
    /// Seconds a list is kept that lacks a host for a failure that may pass.
    package static let incompleteTTL = 60

    private struct Candidate {
        var name: String
        var preference: UInt16
        var v4: [IPAddress] = []
        var v6: [IPAddress] = []
        var isSecure: Bool
        var exists = true
        var trouble: String?
    }

    private let key: LookupKey
    private var candidates: [Candidate] = []
    private var isImplicit = false
    private var outstanding = 0
    private var ttl = Int.max

    package init(_ key: LookupKey) { self.key = key }

    package mutating func start() -> Step {
        switch key.kind {
        case .destination:
            outstanding = 1
            return .ask([Question(key.name, .mx)])
        case .host:
            return askAddresses(isSecure: true)
        }
    }

    package mutating func received(_ answer: DNSAnswer, to question: Question) -> Step {
        outstanding -= 1
        ttl = min(ttl, answer.ttl)
        if question.type == .mx { return receivedExchanges(answer) }
        receivedAddresses(answer, to: question)
        return outstanding > 0 ? .wait : finish()
    }

    private mutating func receivedExchanges(_ answer: DNSAnswer) -> Step {
        switch answer.status {
        case .failed(let text): return fail(.temporary, "MX of \(key.name): \(text)")
        case .noSuchName: return fail(.noSuchDomain, "domain \(key.name) does not exist")
        case .noData:
            isImplicit = true
            return askAddresses(isSecure: answer.isSecure)
        case .records(let records):
            let exchanges = records.compactMap { MailExchange(rdata: $0) }
            if records.count == 1, exchanges.first?.isNull == true {
                return fail(.nullMX, "\(key.name) takes no mail (null MX)")
            }
            return ask(exchanges.filter { !$0.isNull && !$0.isAddress }, isSecure: answer.isSecure)
        }
    }

    /// A target named twice keeps its best preference. The order is total, so the same hosts are left out each time.
    private mutating func ask(_ exchanges: [MailExchange], isSecure: Bool) -> Step {
        var seen: Set<String> = []
        candidates =
            exchanges
            .sorted { ($0.preference, $0.name) < ($1.preference, $1.name) }
            .filter { seen.insert($0.name).inserted }
            .prefix(Self.maximumHosts)
            .map { Candidate(name: $0.name, preference: $0.preference, isSecure: isSecure) }
        if candidates.isEmpty { return fail(.noHost, "no MX of \(key.name) names a host") }
        return askCandidates()
    }

    private mutating func askAddresses(isSecure: Bool) -> Step {
        candidates = [Candidate(name: key.name, preference: 0, isSecure: isSecure)]
        return askCandidates()
    }

    private mutating func askCandidates() -> Step {
        outstanding = candidates.count * 2
        return .ask(candidates.flatMap { [Question($0.name, .a), Question($0.name, .aaaa)] })
    }

    private mutating func receivedAddresses(_ answer: DNSAnswer, to question: Question) {
        guard let index = candidates.firstIndex(where: { $0.name == question.name }) else { return }
        if !answer.isSecure { candidates[index].isSecure = false }
        switch answer.status {
        case .failed(let text): candidates[index].trouble = "\(question): \(text)"
        case .noSuchName: candidates[index].exists = false
        case .noData: break
        case .records(let records):
            let addresses = records.compactMap { IPAddress(octets: $0) }.filter(\.isHostAddress)
            if question.type == .a { candidates[index].v4 = addresses } else { candidates[index].v6 = addresses }
        }
    }

    private func finish() -> Step {
        let hosts = candidates.compactMap { candidate -> MailHost? in
            let addresses = Self.limited(candidate.v4, candidate.v6)
            guard !addresses.isEmpty else { return nil }
            return MailHost(
                name: candidate.name, preference: candidate.preference, addresses: addresses,
                authenticated: candidate.isSecure)
        }
        let trouble = candidates.lazy.compactMap(\.trouble).first
        if !hosts.isEmpty {
            let siteName = SiteName.of(candidates.map(\.name))
            let found = MailHosts(hosts: hosts, siteName: siteName, isImplicit: isImplicit)
            return .done(.success(found), ttl: trouble == nil ? ttl : min(ttl, Self.incompleteTTL))
        }
        if let trouble { return fail(.temporary, trouble) }
        switch key.kind {
        case .host:
            return candidates.contains { !$0.exists }
                ? fail(.noSuchDomain, "host \(key.name) does not exist")
                : fail(.noHost, "host \(key.name) has no address")
        case .destination:
            return isImplicit
                ? fail(.noHost, "\(key.name) has neither MX nor address")
                : fail(.noHost, "no MX host of \(key.name) has an address")
        }
    }

    /// Room that one family does not need goes to the other.
    private static func limited(_ v4: [IPAddress], _ v6: [IPAddress]) -> [IPAddress] {
        let forV4 = max(maximumAddresses / 2, maximumAddresses - v6.count)
        let kept = v4.prefix(forV4)
        return Array(kept) + v6.prefix(maximumAddresses - kept.count)
    }

    private func fail(_ failure: Failure.LookupFailure, _ text: String) -> Step {
        .done(.failure(LookupError(failure, text)), ttl: ttl)
    }
}
