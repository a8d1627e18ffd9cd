package import MailModel

/// A table of access (access(5)), for clients by address and network, or for senders or recipients.
package struct AccessTable: Sendable, Equatable {
    package enum Subject: String, Sendable { case client, sender, recipient }

    private var table = KeyValueTable()
    /// Networks by the length of their prefixes, longest first; only clients have them.
    private var networks: [(prefix: Int, values: [IPAddress: String])] = []
    /// Some entry throws mail away.
    package private(set) var discards = false

    package init() {}

    package var count: Int { table.count + networks.reduce(0) { $0 + $1.values.count } }

    package static func == (a: AccessTable, b: AccessTable) -> Bool {
        a.table == b.table && a.networks.elementsEqual(b.networks, by: ==)
    }

    package static func read(_ text: [UInt8], subject: Subject, entryLimit: Int) -> TableReading<AccessTable> {
        var networks: [Int: [IPAddress: String]] = [:]
        var tagged: [(String, String)] = []
        var discards = false
        var networkCount = 0
        let read = KeyValueTable.read(text, entryLimit: entryLimit) { given, value in
            // Sendmail keeps all three in one file.
            guard let key = subject.untagged(given) else { return .skip }
            switch AccessAction.parse(value) {
            case .failure(let refusal): return .error(refusal.reason)
            case .success(let action): if action == .discard { discards = true }
            }
            guard subject == .client else {
                if given == key { return nil }
                tagged.append((key, value))
                return .skip
            }
            guard let network = ClientNetwork(key) else {
                return .warning(
                    "is no address or network: Apus does not look up names of clients; allowed: 192.0.2.1, 192.0.2, "
                        + "192.0.2.0/24, 2001:db8::1, 2001:db8, 2001:db8::/32")
            }
            guard networks[network.prefix]?[network.address] == nil else {
                return .warning("is given twice; the first line counts")
            }
            networkCount += 1
            guard networkCount <= entryLimit else { return .error("is beyond the limit of \(entryLimit) entries") }
            networks[network.prefix, default: [:]][network.address] = value
            return .skip
        }
        var reading = TableReading(AccessTable())
        reading.table.table = read.table
        for (key, value) in tagged { reading.table.table.add(key, value) }
        reading.table.networks = networks.sorted { $0.key > $1.key }.map { ($0.key, $0.value) }
        reading.table.discards = discards
        (reading.problems, reading.furtherProblems) = (read.problems, read.furtherProblems)
        return reading
    }

    /// The address itself, then ever larger networks around it.
    package func action(ofClient address: IPAddress) -> AccessAction? {
        let width = address.isIPv6 ? 128 : 32
        for (prefix, values) in networks where prefix <= width {
            if let value = values[address.network(prefix: prefix)], let action = action(value) { return action }
        }
        return nil
    }

    /// In Postfix's order: the address with and without its extension, its domain and the domains above, `user@`.
    ///
    /// - Parameter mailbox: `nil` for the null reverse-path, whose key is `<>`.
    package func action(of mailbox: Mailbox?, delimiters rules: RewriteRules) -> AccessAction? {
        guard !table.map.isEmpty else { return nil }
        guard let mailbox else { return table["<>"].flatMap(action) }
        let (users, domain) = (keys(of: mailbox, rules), mailbox.domain.name)
        for user in users {
            if let value = table["\(user)@\(domain)"], let action = action(value) { return action }
        }
        if let value = table[domain], let action = action(value) { return action }
        var rest = Substring(domain)
        while !mailbox.domain.isAddressLiteral, let dot = rest.utf8.firstIndex(of: UInt8(ascii: ".")) {
            for key in [rest[dot...], rest[rest.index(after: dot)...]] {
                if let value = table[String(key)], let action = action(value) { return action }
            }
            rest = rest[rest.index(after: dot)...]
        }
        for user in users {
            if let value = table["\(user)@"], let action = action(value) { return action }
        }
        return nil
    }

    private func keys(of mailbox: Mailbox, _ rules: RewriteRules) -> [String] {
        ([mailbox.localPart] + (rules.split(mailbox.localPart).map { [$0.user] } ?? [])).map(KeyValueTable.key)
    }

    /// DUNNO is an answer: it ends the search, so that no larger network or domain decides.
    private func action(_ value: String) -> AccessAction? {
        // What is no action was refused when the table was read.
        if case .success(let action) = AccessAction.parse(value) { action } else { nil }
    }
}

extension AccessTable.Subject {
    /// - Returns: `nil` for an entry with the tag of another subject.
    fileprivate func untagged(_ key: String) -> String? {
        for (tag, subject) in [("connect:", Self.client), ("from:", .sender), ("to:", .recipient)] {
            guard key.hasPrefix(tag) else { continue }
            return subject == self ? String(key.dropFirst(tag.count)) : nil
        }
        return key
    }
}

/// A key for clients: an address, a block, or the first parts of an address.
struct ClientNetwork: Equatable {
    let address: IPAddress
    let prefix: Int

    init?(_ key: String) {
        var text = key
        if text.hasPrefix("["), text.hasSuffix("]") { text = String(text.dropFirst().dropLast()) }
        if text.hasPrefix("ipv6:") { text.removeFirst(5) }
        if let range = AddressRange(text) {
            (address, prefix) = (range.network, range.prefix)
            return
        }
        if text.hasSuffix(".") || (text.hasSuffix(":") && !text.hasSuffix("::")) { text.removeLast() }
        let isIPv6 = text.utf8.contains(UInt8(ascii: ":"))
        let parts = text.split(separator: isIPv6 ? ":" : ".", omittingEmptySubsequences: false)
        let (width, whole) = isIPv6 ? (16, 8) : (8, 4)
        guard (1..<whole).contains(parts.count), isIPv6 || parts.allSatisfy({ UInt8($0) != nil }) else { return nil }
        let rest = isIPv6 ? "::" : String(repeating: ".0", count: whole - parts.count)
        guard let address = IPAddress(text + rest) else { return nil }
        (self.address, prefix) = (address, parts.count * width)
    }
}
