import ArgumentParser
import Foundation
import MailModel
import NIOHTTP1
import Sender
import Spool

struct SuppressListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists entries in force, in the order in which they were written.")

    @OptionGroup var node: NodeOptions
    @Option(help: "Entries for this mailbox, of any tenant.")
    var recipient: String?
    @Option(help: "Entries for mailboxes of this domain, and for the domain itself.")
    var domain: String?
    @Option(help: "Entries of this tenant.")
    var tenant: String?
    @Option(help: "How they came into the list: manual, import or hard-bounce.")
    var source: String?
    @Option(help: "Entries at most.")
    var limit = 100
    @Option(help: "Only those behind the entry with this offset: the next page.")
    var after: Int64?

    private var query: [URLQueryItem] {
        [("recipient", recipient), ("domain", domain), ("tenant", tenant), ("source", source)]
            .compactMap { name, value in value.map { URLQueryItem(name: name, value: $0) } }
    }

    private func filter() throws -> SuppressionFilter {
        do throws(SuppressionRefusal) {
            return try SuppressionFilter(
                Dictionary(uniqueKeysWithValues: query.map { ($0.name, $0.value ?? "") }))
        } catch {
            throw ValidationError("--\(error)")
        }
    }

    func validate() throws {
        guard (1...1_000_000).contains(limit) else { throw ValidationError("--limit \(limit): must be 1 to 1000000") }
        if let after, after < 0 { throw ValidationError("--after \(after): must be an offset that a list showed") }
        _ = try filter()
    }

    func run() async throws {
        var query = query + [URLQueryItem(name: "limit", value: "\(limit)")]
        if let after { query.append(URLQueryItem(name: "after", value: "\(after)")) }
        let items = try await node.ask(.GET, "/admin/v1/suppressions", query: query) { data in
            try NodeOptions.lines(SuppressionItem.self, data)
        } spool: { spool, _ in
            var items: [SuppressionItem] = []
            try await SuppressionList(spool: spool).forEach(try filter(), after: after, limit: limit) { entry, offset in
                items.append(SuppressionItem(entry, offset: offset))
            }
            return items
        }
        if node.json {
            for item in items { say(try NodeOptions.line(item)) }
        } else if items.isEmpty {
            say("no entry" + (try filter().isEmpty ? "" : " for these filters"))
        } else {
            for item in items { say(SuppressText.row(item)) }
            if items.count == limit, let last = items.last?.offset { say("next page: --after \(last)") }
        }
    }
}

struct SuppressCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Tells whether mail would be suppressed, and by which entry; exit code 1 if not.")

    @OptionGroup var node: NodeOptions
    @Argument(help: "Mailbox or domain.")
    var target: String
    @Option(help: "For mail of this tenant; without it, for mail that has none.")
    var tenant: String?

    func validate() throws { _ = try SuppressText.target(target) }

    func run() async throws {
        let key = SuppressionKey(tenant: tenant, try SuppressText.target(target))
        let verdict = try await node.ask(
            .GET, "/admin/v1/suppressions/check", query: SuppressText.query(key)
        ) { data in
            try JSONDecoder().decode(SuppressionVerdict.self, from: data)
        } spool: { spool, _ in
            let match = try await SuppressionList(spool: spool).load().set.match(key, at: .now())
            return SuppressionVerdict(suppressed: match != nil, by: match.map { SuppressionItem($0) })
        }
        if node.json {
            say(try NodeOptions.line(verdict))
        } else if let item = verdict.by {
            say("suppressed by: \(SuppressText.row(item))")
        } else {
            say("not suppressed")
        }
        if !verdict.suppressed { throw Exit.no }
    }
}
