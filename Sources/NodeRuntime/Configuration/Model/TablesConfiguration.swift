package import MailModel

/// Tables of Postfix and Sendmail that recipients and clients are looked up in; paths of text files.
package struct TablesConfiguration: Equatable, Sendable {
    package var aliases: [String] = []
    package var virtual: [String] = []
    /// Addresses that exist, as in Postfix's `relay_recipient_maps`.
    package var recipients: [String] = []
    package var access = AccessTablesConfiguration()
    /// Domains whose users are looked up by their names alone; those of `ingress.domains` unless given. The node's own
    /// name is always one.
    package var localDomains: [Domain]?
    /// Domain of results without one; the first local domain unless given.
    package var origin: Domain?
    package var delimiters = ""
    package var unknownRecipient = UnknownRecipientPolicy.accept
    /// Recipients that one may become.
    package var expansionLimit = 1000
    package var expansionDepth = 20
    /// Bytes of one file.
    package var fileLimit = 256_000_000
    /// Entries of one file.
    package var entryLimit = 5_000_000

    package init() {}

    /// Whether anything is to be asked of tables.
    package var areGiven: Bool {
        unknownRecipient == .reject
            || [aliases, virtual, recipients, access.client, access.sender, access.recipient].contains { !$0.isEmpty }
    }
}

package enum UnknownRecipientPolicy: String, Sendable, CaseIterable { case accept, reject }

package struct AccessTablesConfiguration: Equatable, Sendable {
    package var client: [String] = []
    package var sender: [String] = []
    package var recipient: [String] = []
    package init() {}
}

/// Addresses that are written otherwise from here on, as in Postfix.
package struct RewriteConfiguration: Equatable, Sendable {
    /// Paths of tables of canonical(5).
    package var canonical: [String] = []
    package var senderCanonical: [String] = []
    package var recipientCanonical: [String] = []
    package var masqueradeDomains: [MasqueradeDomain] = []
    /// Local parts whose addresses are not masqueraded.
    package var masqueradeExceptions: [String] = []
    package init() {}
}

/// `example.org` hides the hosts below it, `!example.org` keeps them.
package struct MasqueradeDomain: Equatable, Sendable, CustomStringConvertible {
    package var domain: Domain
    package var isKept: Bool
    package var description: String { (isKept ? "!" : "") + domain.name }
}
