import ArgumentParser
import DeliveryPolicy
import Foundation
import MailModel
import NIOHTTP1
import Sender
import Spool

struct SuppressAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Adds mailboxes or domains; an entry that is there already is replaced.")

    @OptionGroup var node: NodeOptions
    @Argument(help: "Mailboxes, domains, or \"*.DOMAIN\".")
    var targets: [String]
    @Option(help: "Only mail of this tenant.")
    var tenant: String?
    @Option(help: "Why, for the events that follow.")
    var reason: String?
    @Option(help: "When it ends: 180d, 2030-01-31 or 2030-01-31T12:00:00Z; never by default.")
    var expires: String?

    private func entries() throws -> [Suppression] {
        guard targets.count <= SuppressionList.batch else {
            throw ValidationError("\(targets.count) entries: more than \(SuppressionList.batch) are for import")
        }
        let now = Timestamp.now()
        return try targets.map { text in
            var item = SuppressionItem(SuppressionKey(tenant: tenant, try SuppressText.target(text)))
            item.reason = reason
            do throws(SuppressionRefusal) {
                item.expiry = try expires.map { text throws(SuppressionRefusal) in
                    try SuppressText.expiry(text, now: now).description
                }
            } catch {
                throw ValidationError("--expires \(error)")
            }
            return try SuppressText.checked(item, now: now)
        }
    }

    func validate() throws { _ = try entries() }

    func run() async throws {
        let entries = try entries()
        let body = try JSONEncoder().encode(
            SuppressionAddition(entries: entries.map { SuppressionItem($0) }, actor: SuppressText.actor))
        let totals = try await node.ask(.POST, "/admin/v1/suppressions", body: body, writes: true) { data in
            try JSONDecoder().decode(SuppressionTotals.self, from: data)
        } spool: { spool, _ in
            try await SuppressionList(spool: spool).add(entries)
            return SuppressionTotals(added: entries.count)
        }
        if node.json { return say(try NodeOptions.line(totals)) }
        for entry in entries { say(SuppressText.row(SuppressionItem(entry))) }
    }
}

struct SuppressRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Removes entries: mail to them is sent again.")

    @OptionGroup var node: NodeOptions
    @Argument(help: "Mailboxes, domains, or \"*.DOMAIN\", as they are listed.")
    var targets: [String]
    @Option(help: "The entry of this tenant; without it, the one for all tenants.")
    var tenant: String?

    func validate() throws { for text in targets { _ = try SuppressText.target(text) } }

    func run() async throws {
        var (removed, missing) = (0, [String]())
        for text in targets {
            let key = SuppressionKey(tenant: tenant, try SuppressText.target(text))
            if try await remove(key) { removed += 1 } else { missing.append(text) }
        }
        if node.json {
            say(try NodeOptions.line(SuppressionTotals(removed: removed)))
        } else if removed > 0 {
            say("\(removed) removed")
        }
        guard missing.isEmpty else {
            throw Exit.saying("not in the suppression list: \(missing.joined(separator: ", "))", Exit.no)
        }
    }

    private func remove(_ key: SuppressionKey) async throws -> Bool {
        try await node.ask(
            .DELETE, "/admin/v1/suppressions", query: SuppressText.query(key), writes: true, missing: false
        ) { _ in
            true
        } spool: { spool, _ in
            let list = SuppressionList(spool: spool)
            guard try await list.load().set.entry(key, at: .now()) != nil else { return false }
            try await list.remove([key])
            return true
        }
    }
}
