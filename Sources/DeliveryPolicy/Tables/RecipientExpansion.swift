package import MailModel

/// What the tables make of a recipient.
package enum RecipientExpansion: Equatable, Sendable {
    /// No table names it.
    case unknown
    /// No table names it, and its domain is one whose every address is in a table.
    case noSuchUser
    case expanded([ExpandedRecipient])
    /// Of class 4 or 5, with what is wrong in its text.
    case refused(Reply)
}

/// A recipient that came out of the tables.
package struct ExpandedRecipient: Equatable, Sendable {
    package var mailbox: Mailbox
    /// Alias with an `owner-` of its own on the way here: its list, and who gets to know of failures.
    package var list: MailingList?

    package init(mailbox: Mailbox, list: MailingList? = nil) { (self.mailbox, self.list) = (mailbox, list) }
}

/// An alias `name` beside which there is `owner-name` (aliases(5)).
package struct MailingList: Hashable, Sendable {
    package var address: Mailbox
    package var owner: Mailbox
}

/// Aliases and virtual tables of a node, and how far they may go.
package struct RecipientTables: Sendable, Equatable {
    package struct Limits: Sendable, Equatable {
        /// Recipients that come out of one.
        package var results = 1000
        /// Steps from a recipient to what it becomes.
        package var depth = 20

        package init() {}
        package init(results: Int, depth: Int) { (self.results, self.depth) = (results, depth) }
    }

    package var virtual: [RewriteTable]
    package var aliases: [AliasTable]
    package var rules: RewriteRules
    package var limits: Limits

    package init(
        virtual: [RewriteTable] = [], aliases: [AliasTable] = [], rules: RewriteRules, limits: Limits = Limits()
    ) {
        (self.virtual, self.aliases, self.rules, self.limits) = (virtual, aliases, rules, limits)
    }

    /// Whether a virtual table makes it a domain of addresses that are all in the table; it is a domain of ours.
    package func isVirtualDomain(_ domain: Domain) -> Bool { virtual.contains { $0.hasDomain(domain) } }

    /// Follows virtual tables, and aliases of local domains, to the addresses that mail is to be sent to.
    package func expand(_ recipient: Mailbox) -> RecipientExpansion {
        var walk = Walk(tables: self)
        return walk.expand(recipient)
    }
}

/// One expansion, depth first. Work is bounded: an address is expanded once, and results and steps have limits.
private struct Walk {
    private struct Refused: Error { let reply: Reply }

    private let tables: RecipientTables
    private var results: [ExpandedRecipient] = []
    private var delivered: Set<Mailbox> = []
    private var seen: Set<Mailbox> = []
    private var steps = 0
    /// From the recipient to where the walk is.
    private var path: [String] = []

    init(tables: RecipientTables) { self.tables = tables }

    mutating func expand(_ recipient: Mailbox) -> RecipientExpansion {
        do throws(Refused) {
            let isKnown = try follow(recipient, list: nil)
            if results.isEmpty {
                throw Refused(reply: Reply(550, StatusDetail(1, 1), "\(recipient) delivers to nobody"))
            }
            if isKnown { return .expanded(results) }
            return tables.isVirtualDomain(recipient.domain) ? .noSuchUser : .unknown
        } catch {
            return .refused(error.reply)
        }
    }

    /// - Returns: Whether a table names the address.
    private mutating func follow(_ mailbox: Mailbox, list: MailingList?) throws(Refused) -> Bool {
        try enter(mailbox)
        defer { path.removeLast() }
        let folded = Self.folded(mailbox)
        if let found = tables.virtual.firstResult({ $0.rewrite(mailbox, with: tables.rules) }) {
            // An address among its own results is not looked up there again.
            for next in found where Self.folded(next) != folded { try visit(next, list) }
            if found.contains(where: { Self.folded($0) == folded }) { try followAlias(mailbox, list) }
            return true
        }
        return try followAlias(mailbox, list)
    }

    @discardableResult
    private mutating func followAlias(_ mailbox: Mailbox, _ list: MailingList?) throws(Refused) -> Bool {
        guard tables.rules.isLocal(mailbox.domain), let alias = alias(of: mailbox.localPart) else {
            try deliver(mailbox, list)
            return false
        }
        let owner = "owner-" + alias.name
        var list = list
        if tables.aliases.contains(where: { $0.contains(owner) }) {
            list = MailingList(
                address: Mailbox(localPart: alias.name, domain: mailbox.domain),
                owner: Mailbox(localPart: owner, domain: mailbox.domain))
        }
        guard let targets = alias.table.targets(of: alias.name), !targets.isEmpty else {
            let text = "alias \(alias.name) has commands or files only, which this host does not serve"
            throw Refused(reply: Reply(550, StatusDetail(1, 1), text))
        }
        try follow(targets, of: alias.table, mailbox, list, includes: [])
        return true
    }

    private mutating func follow(
        _ targets: [TableTarget], of table: AliasTable, _ mailbox: Mailbox, _ list: MailingList?, includes: [String]
    ) throws(Refused) {
        for target in targets {
            switch target {
            case .mailbox(let address): try deliver(address.mailbox(in: tables.rules.origin), list)
            case .domain(let domain): try visit(Mailbox(localPart: mailbox.localPart, domain: domain), list)
            case .include(let file):
                if includes.contains(file) { throw loop(includes + [file]) }
                try follow(table.includes[file] ?? [], of: table, mailbox, list, includes: includes + [file])
            case .address(let address):
                let next = address.mailbox(in: tables.rules.origin)
                // An alias to itself is the mailbox (aliases(5)).
                if Self.folded(next) == Self.folded(mailbox) { try deliver(next, list) } else { try visit(next, list) }
            case .command, .file: break
            }
        }
    }

    private mutating func visit(_ mailbox: Mailbox, _ list: MailingList?) throws(Refused) {
        let folded = Self.folded(mailbox)
        if path.contains(folded.description) { throw loop(path + [folded.description]) }
        guard seen.insert(folded).inserted else { return }
        _ = try follow(mailbox, list: list)
    }

    private mutating func enter(_ mailbox: Mailbox) throws(Refused) {
        path.append(Self.folded(mailbox).description)
        steps += 1
        guard path.count <= tables.limits.depth else {
            throw refusal("is forwarded more than \(tables.limits.depth) times: \(Self.shown(path))")
        }
        guard steps <= tables.limits.results * 10 else { throw refusal("leads to too many addresses") }
    }

    private mutating func deliver(_ mailbox: Mailbox, _ list: MailingList?) throws(Refused) {
        guard delivered.insert(mailbox).inserted else { return }
        guard results.count < tables.limits.results else {
            throw refusal("stands for more than \(tables.limits.results) recipients")
        }
        results.append(ExpandedRecipient(mailbox: mailbox, list: list))
    }

    private func alias(of localPart: String) -> (name: String, table: AliasTable)? {
        for name in [localPart, tables.rules.split(localPart)?.user].compactMap({ $0 }) {
            if let table = tables.aliases.first(where: { $0.contains(name) }) { return (name, table) }
        }
        return nil
    }

    /// Local parts differ by case for their own domain only (RFC 5321 §2.4); tables fold them, and so loops do.
    private static func folded(_ mailbox: Mailbox) -> Mailbox {
        Mailbox(localPart: mailbox.localPart.lowercased(), domain: mailbox.domain)
    }

    private func loop(_ path: [String]) -> Refused {
        Refused(reply: Reply(550, StatusDetail(4, 6), "alias loop: \(Self.shown(path))"))
    }

    private func refusal(_ text: String) -> Refused {
        Refused(reply: Reply(550, StatusDetail(4, 6), "\(path[0]) \(text)"))
    }

    /// A reply line has room for 512 octets (RFC 5321 §4.5.3.1.5).
    private static func shown(_ path: [String]) -> String {
        let names = path.count <= 6 ? path : path.prefix(3) + ["..."] + path.suffix(2)
        let text = names.map { $0.utf8.count <= 64 ? $0 : $0.prefix(60) + "..." }.joined(separator: " -> ")
        return text.utf8.allSatisfy { (0x20..<0x7F).contains($0) } ? text : "(addresses beyond ASCII)"
    }
}

extension Array {
    fileprivate func firstResult<Result>(_ body: (Element) -> Result?) -> Result? {
        for element in self { if let result = body(element) { return result } }
        return nil
    }
}
