package import MailModel

/// A table from addresses to addresses, as Postfix has them: `virtual` (virtual(5)) and `canonical` (canonical(5)).
package struct RewriteTable: Sendable, Equatable {
    package enum Purpose: Sendable {
        /// Several results; a line `domain anything` makes a virtual alias domain.
        case virtual
        /// One result.
        case canonical
    }

    private var table = KeyValueTable()

    package init() {}

    package var count: Int { table.count }

    package static func read(_ text: [UInt8], purpose: Purpose, entryLimit: Int) -> TableReading<RewriteTable> {
        let read = KeyValueTable.read(text, entryLimit: entryLimit) { key, value in
            problem(key, value, purpose).map { .error($0) }
        }
        var reading = TableReading(RewriteTable())
        reading.table.table = read.table
        (reading.problems, reading.furtherProblems) = (read.problems, read.furtherProblems)
        return reading
    }

    private static func problem(_ key: String, _ value: String, _ purpose: Purpose) -> String? {
        let isDomain = !key.utf8.contains(UInt8(ascii: "@")) && key.utf8.contains(UInt8(ascii: "."))
        // `example.org anything`: what stands there is not read.
        if purpose == .virtual, isDomain { return nil }
        if AddressList.isPlainAddress(value) { return nil }
        do throws(AddressList.Refusal) {
            let targets = try AddressList.parse(value)
            guard let first = targets.first else { return "has no address" }
            if purpose == .canonical, targets.count > 1 { return "has \(targets.count) addresses; allowed: one" }
            for target in targets.dropFirst() {
                if case .domain = target { return "has @domain behind another result; allowed: as the first one" }
            }
            for target in [first] + targets.dropFirst() {
                switch target {
                case .address, .domain, .mailbox: continue
                case .include, .command, .file:
                    return "is allowed in aliases only; allowed here: user@domain, user or @domain"
                }
            }
            return nil
        } catch {
            return "\(error.value) \(error.reason)"
        }
    }

    /// Whether a line `domain anything` makes it a domain whose every address must be in the table.
    package func hasDomain(_ domain: Domain) -> Bool { table.map.contains(domain.name) }

    /// What an address is turned into, in Postfix's order: `user+extension@domain`, `user@domain`, then for local
    /// domains `user+extension` and `user`, then `@domain`. An extension that the key did not name goes on to the
    /// results, but not through `@domain` (ADDRESS EXTENSION of virtual(5)).
    ///
    /// - Returns: `nil` where no key matches. Results without a domain get `origin`.
    package func rewrite(_ mailbox: Mailbox, with rules: RewriteRules) -> [Mailbox]? {
        guard !table.map.isEmpty else { return nil }
        let split = rules.split(mailbox.localPart)
        let (full, bare) = (KeyValueTable.key(mailbox.localPart), split.map { KeyValueTable.key($0.user) })
        let name = mailbox.domain.name
        func results(_ key: String, extension text: String?) -> [Mailbox]? {
            table[key].map { self.results($0, of: mailbox, extension: text, rules.origin) }
        }
        if let found = results("\(full)@\(name)", extension: nil) { return found }
        if let bare, let found = results("\(bare)@\(name)", extension: split?.extension) { return found }
        if rules.isLocal(mailbox.domain) {
            if let found = results(full, extension: nil) { return found }
            if let bare, let found = results(bare, extension: split?.extension) { return found }
        }
        return results("@\(name)", extension: nil)
    }

    private func results(
        _ value: String, of mailbox: Mailbox, extension text: String?, _ origin: Domain
    ) -> [Mailbox] {
        // What cannot be parsed was refused when the table was read.
        let targets = (try? AddressList.parse(value)) ?? []
        return targets.compactMap { target in
            switch target {
            case .domain(let domain): Mailbox(localPart: mailbox.localPart, domain: domain)
            case .address(let address), .mailbox(let address):
                Mailbox(localPart: address.localPart + (text ?? ""), domain: address.domain ?? origin)
            case .include, .command, .file: nil
            }
        }
    }
}

/// What lookups in tables of addresses depend on.
package struct RewriteRules: Sendable, Equatable {
    /// Domains whose users are known by their names alone (Postfix's `mydestination`).
    package var localDomains: Set<Domain>
    /// Domain of results that have none (Postfix's `myorigin`).
    package var origin: Domain
    /// Octets of which the first in a local part begins its extension; empty for none.
    package var delimiters: [UInt8]

    package init(localDomains: Set<Domain>, origin: Domain, delimiters: String = "") {
        (self.localDomains, self.origin, self.delimiters) = (localDomains, origin, Array(delimiters.utf8))
    }

    package func isLocal(_ domain: Domain) -> Bool { localDomains.contains(domain) }

    /// - Returns: The user and the extension with its delimiter; `nil` without one. As in Postfix, names of RFC 2142 and
    ///   of owners that have a delimiter themselves are whole.
    func split(_ localPart: String) -> (user: String, extension: String)? {
        guard !delimiters.isEmpty, let place = localPart.utf8.firstIndex(where: delimiters.contains),
            place > localPart.startIndex
        else { return nil }
        let lower = localPart.lowercased()
        if lower == "double-bounce" || lower == "mailer-daemon" { return nil }
        if localPart.utf8[place] == UInt8(ascii: "-"), lower.hasPrefix("owner-") || lower.hasSuffix("-request") {
            return nil
        }
        return (String(localPart[..<place]), String(localPart[place...]))
    }
}
