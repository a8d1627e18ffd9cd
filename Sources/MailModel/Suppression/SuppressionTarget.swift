/// What a suppression keeps mail from: one mailbox, all of a domain, or all of the domains below one.
package enum SuppressionTarget: Hashable, Sendable {
    /// With a folded local part. Its case belongs to the domain (RFC 5321 §2.4), but no known host tells `Ann` from
    /// `ann`, and an address that was taken off a list must not come back in capitals.
    case mailbox(Mailbox)
    /// Not its subdomains.
    case domain(Domain)
    /// All subdomains, and not the domain itself.
    case below(Domain)

    /// The target that a mailbox itself is.
    package init(_ mailbox: Mailbox) {
        self = .mailbox(Mailbox(localPart: mailbox.localPart.lowercased(), domain: mailbox.domain))
    }

    /// Reads `local@example.org`, `example.org` or `@example.org`, and `*.example.org`.
    package init?(_ text: String) {
        if text.utf8.dropFirst().contains(UInt8(ascii: "@")) {
            guard let mailbox = Mailbox(text) else { return nil }
            self.init(mailbox)
        } else if text.hasPrefix("*.") {
            guard let domain = Domain(normalizing: String(text.dropFirst(2))), !domain.isAddressLiteral else {
                return nil
            }
            self = .below(domain)
        } else {
            guard let domain = Domain(normalizing: text.hasPrefix("@") ? String(text.dropFirst()) : text) else {
                return nil
            }
            self = .domain(domain)
        }
    }

    /// Of the mailbox, or the one that is written.
    package var domain: Domain {
        switch self {
        case .mailbox(let mailbox): mailbox.domain
        case .domain(let domain), .below(let domain): domain
        }
    }

    package var isMailbox: Bool {
        if case .mailbox = self { true } else { false }
    }
}

extension SuppressionTarget: CustomStringConvertible {
    package var description: String {
        switch self {
        case .mailbox(let mailbox): mailbox.description
        case .domain(let domain): domain.name
        case .below(let domain): "*." + domain.name
        }
    }
}
