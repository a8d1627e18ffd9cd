package import MailModel

/// Hides names of hosts behind those of their domains (Postfix's `masquerade_domains`).
package struct Masquerade: Sendable, Equatable {
    /// In the order of the configuration; the first that fits decides.
    package enum Rule: Sendable, Equatable, Hashable {
        /// Hosts below it are written as it.
        case hide(Domain)
        /// It and hosts below stay as they are (`!domain`).
        case keep(Domain)
    }

    package var rules: [Rule]
    /// Users whose addresses stay as they are, in lower case (`masquerade_exceptions`).
    package var exceptions: Set<String>

    package init(rules: [Rule] = [], exceptions: Set<String> = []) {
        (self.rules, self.exceptions) = (rules, exceptions)
    }

    /// - Returns: `nil` where nothing changes.
    package func masquerade(_ mailbox: Mailbox) -> Mailbox? {
        guard !rules.isEmpty, !exceptions.contains(mailbox.localPart.lowercased()) else { return nil }
        for rule in rules {
            switch rule {
            case .keep(let domain) where mailbox.domain == domain || mailbox.domain.isBelow(domain): return nil
            case .hide(let domain) where mailbox.domain == domain: return nil
            case .hide(let domain) where mailbox.domain.isBelow(domain):
                return Mailbox(localPart: mailbox.localPart, domain: domain)
            case .keep, .hide: continue
            }
        }
        return nil
    }
}

extension Domain {
    func isBelow(_ parent: Domain) -> Bool {
        name.utf8.count > parent.name.utf8.count + 1 && name.hasSuffix("." + parent.name)
    }
}

/// Turns addresses of an envelope into those that the outside is to see (canonical(5)).
package struct AddressRewriter: Sendable, Equatable {
    package var sender: [RewriteTable]
    package var recipient: [RewriteTable]
    package var both: [RewriteTable]
    package var masquerade: Masquerade
    package var rules: RewriteRules

    package init(
        sender: [RewriteTable] = [], recipient: [RewriteTable] = [], both: [RewriteTable] = [],
        masquerade: Masquerade = Masquerade(), rules: RewriteRules
    ) {
        (self.sender, self.recipient, self.both) = (sender, recipient, both)
        (self.masquerade, self.rules) = (masquerade, rules)
    }

    package var isEmpty: Bool { sender.isEmpty && recipient.isEmpty && both.isEmpty && masquerade.rules.isEmpty }

    /// `sender_canonical`, then `canonical`, then masquerading, as Postfix's cleanup does it.
    package func sender(_ mailbox: Mailbox) -> Mailbox {
        let rewritten = rewrite(rewrite(mailbox, by: sender), by: both)
        return masquerade.masquerade(rewritten) ?? rewritten
    }

    /// `recipient_canonical`, then `canonical`. Envelope recipients are not masqueraded (`masquerade_classes`).
    package func recipient(_ mailbox: Mailbox) -> Mailbox { rewrite(rewrite(mailbox, by: recipient), by: both) }

    private func rewrite(_ mailbox: Mailbox, by tables: [RewriteTable]) -> Mailbox {
        for table in tables {
            if let result = table.rewrite(mailbox, with: rules)?.first { return result }
        }
        return mailbox
    }
}
