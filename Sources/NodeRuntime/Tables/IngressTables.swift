package import DeliveryPolicy
package import MailModel

/// The tables of `ingress.tables`, read.
package struct IngressTables: Sendable, Equatable {
    package var recipients: RecipientTables
    /// Lists of addresses that exist.
    package var known: [KeyValueTable] = []
    package var clientAccess: [AccessTable] = []
    package var senderAccess: [AccessTable] = []
    package var recipientAccess: [AccessTable] = []
    /// Of `ingress.rewrite`.
    package var rewriter: AddressRewriter
    /// Lines that have no effect, or not all of it.
    package var warnings: [ConfigurationIssue] = []
    package var furtherWarnings = 0

    package init(rules: RewriteRules) {
        recipients = RecipientTables(rules: rules)
        rewriter = AddressRewriter(rules: rules)
    }

    /// Entries of all tables.
    package var count: Int {
        let rewriting = recipients.virtual + rewriter.sender + rewriter.recipient + rewriter.both
        return recipients.aliases.reduce(0) { $0 + $1.count } + rewriting.reduce(0) { $0 + $1.count }
            + known.reduce(0) { $0 + $1.count }
            + (clientAccess + senderAccess + recipientAccess).reduce(0) { $0 + $1.count }
    }

    /// Reads all files. What is wrong in any of them is told at once; nothing is used then.
    package static func load(_ ingress: IngressConfiguration) throws(ConfigurationError) -> IngressTables {
        let given = ingress.tables
        var loader = TableLoader(fileLimit: given.fileLimit, entryLimit: given.entryLimit)
        let limit = given.entryLimit
        var tables = IngressTables(rules: RewriteRules(ingress))
        tables.recipients.aliases = loader.aliases(given.aliases)
        tables.recipients.virtual = loader.tables(given.virtual) {
            RewriteTable.read($0, purpose: .virtual, entryLimit: limit)
        }
        tables.recipients.limits = .init(results: given.expansionLimit, depth: given.expansionDepth)
        tables.known = loader.tables(given.recipients) {
            KeyValueTable.read($0, entryLimit: limit, mayLackValue: true) { _, _ in nil }
        }
        func access(_ paths: [String], _ subject: AccessTable.Subject) -> [AccessTable] {
            loader.tables(paths) { AccessTable.read($0, subject: subject, entryLimit: limit) }
        }
        tables.clientAccess = access(given.access.client, .client)
        tables.senderAccess = access(given.access.sender, .sender)
        tables.recipientAccess = access(given.access.recipient, .recipient)
        func canonical(_ paths: [String]) -> [RewriteTable] {
            loader.tables(paths) { RewriteTable.read($0, purpose: .canonical, entryLimit: limit) }
        }
        let rewrite = ingress.rewrite
        tables.rewriter.sender = canonical(rewrite.senderCanonical)
        tables.rewriter.recipient = canonical(rewrite.recipientCanonical)
        tables.rewriter.both = canonical(rewrite.canonical)
        tables.rewriter.masquerade = Masquerade(
            rules: rewrite.masqueradeDomains.map { $0.isKept ? .keep($0.domain) : .hide($0.domain) },
            exceptions: Set(rewrite.masqueradeExceptions))
        guard loader.errors.isEmpty else { throw ConfigurationError(issues: loader.errors) }
        (tables.warnings, tables.furtherWarnings) = (loader.warnings, loader.furtherWarnings)
        return tables
    }

    /// Whether a list has the address, with or without its extension, or all of its domain.
    package func isKnown(_ mailbox: Mailbox) -> Bool {
        known.contains { $0.lists(mailbox, recipients.rules) }
    }
}

extension RewriteRules {
    init(_ ingress: IngressConfiguration) {
        let tables = ingress.tables
        let local = tables.localDomains ?? ingress.domains
        self.init(
            localDomains: Set(local).union([ingress.hostname]),
            origin: tables.origin ?? local.first ?? ingress.hostname,
            delimiters: tables.delimiters)
    }
}
