internal import MailModel

/// `ingress.tables`: files that other MTAs have.
extension ConfigurationTable {
    static let tables = ConfigurationSection<TablesConfiguration> {
        Field(
            "aliases", \.aliases, tableFiles, default: "none",
            "aliases of Sendmail or Postfix (aliases(5)), for users of local_domains; commands and files in them are left "
                + "out with a warning.")
        Field(
            "virtual", \.virtual, tableFiles, default: "none",
            "virtual of Postfix (virtual(5)); a line \"domain anything\" makes a domain of ours whose every address is "
                + "in the table.")
        Field(
            "recipients", \.recipients, tableFiles, default: "none",
            "Addresses that exist, as relay_recipient_maps: user@domain, @domain, or a user of local_domains.")
        Field("access", \.access, access, "Whom to refuse (access(5)).")
        Field(
            "local_domains", \.localDomains, ValueKind.list(of: .domain, upTo: 100_000).optional,
            default: "ingress.domains", "Domains whose users are known by name alone; ingress.hostname always is one.")
        Field(
            "origin", \.origin, ValueKind.domain.optional, default: "the first of local_domains, else ingress.hostname",
            "Domain of what aliases, virtual and canonical tables name without one, as Postfix's myorigin.")
        Field(
            "recipient_delimiter", \.delimiters, delimiters,
            "Octets that begin an extension, as + in user+extension; mail for it goes to user unless a table names it.")
        Field(
            "unknown_recipient", \.unknownRecipient, .choice,
            "reject: aliases, virtual and recipients name every address of ingress.domains; others get 550 5.1.1.")
        Field(
            "expansion_limit", \.expansionLimit, .integer(1...10_000), "Recipients that one may become.")
        Field("expansion_depth", \.expansionDepth, .integer(1...100), "Steps from a recipient to what it becomes.")
        Field("file_limit", \.fileLimit, .size(1000...1_000_000_000), "Bytes of one file.")
        Field("entry_limit", \.entryLimit, .integer(1...20_000_000), "Entries of one file.")
    }

    private static let access = ConfigurationSection<AccessTablesConfiguration> {
        Field(
            "client", \.client, tableFiles, default: "none",
            "By address and network, when a client connects: 192.0.2.1, 192.0.2, 192.0.2.0/24, 2001:db8::/32.")
        Field("sender", \.sender, tableFiles, default: "none", "By address and domain, at MAIL; <> is the null sender.")
        Field("recipient", \.recipient, tableFiles, default: "none", "By address and domain, at RCPT.")
    }

    static let rewrite = ConfigurationSection<RewriteConfiguration> {
        Field(
            "canonical", \.canonical, tableFiles, default: "none",
            "Tables of canonical(5) for reverse-paths and recipients, asked before virtual and aliases.")
        Field(
            "sender_canonical", \.senderCanonical, tableFiles, default: "none",
            "The same for reverse-paths only, asked before canonical.")
        Field(
            "recipient_canonical", \.recipientCanonical, tableFiles, default: "none",
            "The same for recipients only, asked before canonical.")
        Field(
            "masquerade_domains", \.masqueradeDomains, .oneOrMore(masqueradeDomain), default: "none",
            "Domains that reverse-paths of hosts below them are written with; !domain keeps those below it.")
        Field(
            "masquerade_exceptions", \.masqueradeExceptions, .oneOrMore(localPart), default: "none",
            "Local parts that are not masqueraded, as root.")
    }

    private static let masqueradeDomain = ValueKind<MasqueradeDomain>.text(
        "a domain, or !domain in quotes", show: { $0.description }
    ) { text throws(Refusal) in
        let isKept = text.hasPrefix("!")
        guard let domain = Domain(normalizing: isKept ? String(text.dropFirst()) : text), !domain.isAddressLiteral
        else { throw Refusal("is not a domain") }
        return MasqueradeDomain(domain: domain, isKept: isKept)
    }

    private static let localPart = ValueKind<String>.text("a local part", show: { $0 }) { text throws(Refusal) in
        guard Mailbox(text + "@localhost") != nil, !text.contains("@") else { throw Refusal("is no local part") }
        return text.lowercased()
    }

    static let tableFiles = ValueKind<[String]>.oneOrMore(tableFile)

    /// A text that `postmap` would read. What it makes of it is of no use here.
    private static let tableFile: ValueKind<String> = {
        let file = ValueKind<String>.readableFile
        return ValueKind(
            allowed: file.allowed, schema: file.schema,
            read: { node, reader in
                let text = node.scalarText ?? ""
                if let type = text.split(separator: ":", maxSplits: 1).first, text.hasPrefix("\(type):/") {
                    reader.report(node, "names a type of table; allowed: the path of its text file alone")
                    return nil
                }
                if [".db", ".lmdb", ".cdb", ".dir", ".pag"].contains(where: text.hasSuffix) {
                    reader.report(node, "is what postmap makes; allowed: the path of the text file it is made of")
                    return nil
                }
                return file.read(node, reader)
            }, show: file.show)
    }()

    private static let delimiters = ValueKind<String>.text(
        "up to 8 of + - = . # ~ _", pattern: "^[-+=.#~_]{0,8}$", show: { $0.isEmpty ? "none" : $0 }
    ) { text throws(Refusal) in
        guard text.utf8.count <= 8, text.utf8.allSatisfy({ "+-=.#~_".utf8.contains($0) }) else {
            throw Refusal("has other octets")
        }
        return text
    }
}
