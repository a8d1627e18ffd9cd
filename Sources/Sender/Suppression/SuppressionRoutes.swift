package import DeliveryPolicy
package import MailModel
package import NodeRuntime
import Spool

extension SenderService {
    /// What operators can do with the suppression list over HTTP (DESIGN §9).
    ///
    /// A change is answered when it counts for every attempt of this node that begins.
    package var suppressionRoutes: [AdminRoute] {
        let list = SuppressionList(spool: spool)
        return [
            AdminRoute(.get, "/admin/v1/suppressions") { request in
                let filter = try Self.filter(request)
                let limit = try request.integer("limit", in: 1...1_000_000, default: 100)
                let after = try request.integer("after", in: 0...Int.max, default: -1)
                return .lines { lines in
                    try await list.forEach(filter, after: after < 0 ? nil : Int64(after), limit: limit) {
                        entry, offset in
                        try await lines.write(SuppressionItem(entry, offset: offset))
                    }
                }
            },
            AdminRoute(.get, "/admin/v1/suppressions/check") { [suppressions] request in
                let key = try Self.key(request)
                let match = suppressions.match(key)
                return try .json(SuppressionVerdict(suppressed: match != nil, by: match.map { SuppressionItem($0) }))
            },
            AdminRoute(.post, "/admin/v1/suppressions") { [self] request in
                let added = try Self.additions(request)
                try await inForce(try await list.add(added))
                return try .json(SuppressionTotals(added: added.count))
            },
            AdminRoute(.delete, "/admin/v1/suppressions") { [self] request in
                let key = try Self.key(request)
                guard suppressions.entry(key) != nil else {
                    let whose = key.tenant.map { " for tenant \($0)" } ?? ""
                    throw AdminProblem.notFound("\(key.target) is not in the suppression list\(whose)")
                }
                try await inForce(try await list.remove([key]))
                return try .json(SuppressionTotals(removed: 1))
            },
        ]
    }

    private func inForce(_ offset: Int64) async throws {
        guard await suppressions.isInForce(offset: offset, within: .seconds(5)) else {
            throw AdminProblem.unavailable("the change is in the spool, but this sender has not read it yet")
        }
    }

    private static func additions(_ request: AdminRequest) throws -> [Suppression] {
        let addition = try request.decode(SuppressionAddition.self)
        guard (1...SuppressionList.batch).contains(addition.entries.count) else {
            throw AdminProblem.badRequest(
                "entries: \(addition.entries.count) of them; allowed are 1 to \(SuppressionList.batch)")
        }
        let now = Timestamp.now()
        return try addition.entries.enumerated().map { index, item in
            do throws(SuppressionRefusal) {
                return try Suppression(item, created: now, actor: addition.actor ?? "admin")
            } catch {
                throw AdminProblem.badRequest("entries[\(index)].\(error)")
            }
        }
    }

    private static func known(_ request: AdminRequest, _ names: Set<String>) throws {
        guard let unknown = request.query.keys.first(where: { !names.contains($0) }) else { return }
        throw AdminProblem.badRequest(
            "\(unknown) is no parameter; allowed are \(names.sorted().joined(separator: ", "))")
    }

    private static func key(_ request: AdminRequest) throws -> SuppressionKey {
        try known(request, ["recipient", "domain", "tenant", "actor"])
        let query = request.query
        do throws(SuppressionRefusal) {
            return try Suppression.key(
                recipient: query["recipient"], domain: query["domain"], tenant: query["tenant"])
        } catch {
            throw AdminProblem.badRequest(error.description)
        }
    }

    private static func filter(_ request: AdminRequest) throws -> SuppressionFilter {
        try known(request, ["recipient", "domain", "tenant", "source", "limit", "after"])
        do throws(SuppressionRefusal) {
            return try SuppressionFilter(request.query)
        } catch {
            throw AdminProblem.badRequest(error.description)
        }
    }
}

extension SuppressionFilter {
    /// - Parameter query: `recipient domain tenant source`; others are not looked at.
    package init(_ query: [String: String]) throws(SuppressionRefusal) {
        self.init()
        if let text = query["recipient"] {
            target = try Suppression.key(recipient: text, domain: nil, tenant: nil).target
        }
        if let text = query["domain"] {
            domain = try Suppression.key(recipient: nil, domain: text, tenant: nil).target.domain
        }
        tenant = query["tenant"]
        guard let text = query["source"] else { return }
        source = Suppression.Source(rawValue: text)
        guard source != nil else {
            let names = Suppression.Source.allCases.map(\.rawValue).joined(separator: ", ")
            throw SuppressionRefusal("source: \(text) is none of \(names)")
        }
    }
}

extension SuppressionItem {
    /// The entry as it is known without reading the log.
    package init(_ match: SuppressionSet.Match) {
        self.init(match.key)
        source = match.note.source.rawValue
        reason = match.note.reason
        actor = match.note.actor
        expiry = match.expiry?.description
    }
}

extension SuppressionSet {
    /// The entry that mail to a target meets: to the mailbox, or to any of the domain.
    package func match(_ key: SuppressionKey, at now: Timestamp) -> Match? {
        switch key.target {
        case .mailbox(let mailbox): match(mailbox, tenant: key.tenant, at: now)
        case .domain(let domain): match(domain, tenant: key.tenant, at: now)
        case .below: entry(key, at: now) ?? entry(SuppressionKey(tenant: nil, key.target), at: now)
        }
    }
}
