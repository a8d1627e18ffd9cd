import ArgumentParser
import DeliveryPolicy
import Foundation
import MailModel
import NIOHTTP1
import NodeRuntime
import Sender
import Spool

struct QueueListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists queued messages, oldest first.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var filters: QueueFilters
    @Option(name: .customLong("class"), help: "Bounce class of a recipient's latest failure, as policy-related.")
    var bounceClass: BounceClass?
    @Option(help: "Messages at most.")
    var limit = 100
    @Option(help: "Only those behind this one, as QUEUEID/part: the next page.")
    var after: String?

    func validate() throws {
        guard (1...1_000_000).contains(limit) else {
            throw ValidationError("--limit \(limit): must be 1 to 1000000")
        }
        if let after, ScheduleKey(after) == nil { throw ValidationError("--after \(after): must be QUEUEID/part") }
    }

    func run() async throws {
        var query = filters.query + [URLQueryItem(name: "limit", value: "\(limit)")]
        if let after { query.append(URLQueryItem(name: "after", value: after)) }
        if let bounceClass { query.append(URLQueryItem(name: "class", value: bounceClass.rawValue)) }
        let items = try await node.ask(.GET, "/admin/v1/queue", query: query) { data in
            try NodeOptions.lines(QueueItem.self, data)
        } spool: { spool, configuration in
            try await OfflineQueue(spool: spool, configuration).items(
                filters.selector, bounceClass: bounceClass?.rawValue, after: after.flatMap { ScheduleKey($0) },
                limit: limit)
        }
        let rest = items.count == limit ? items.last.map { "--after \($0.queueID)/\($0.part)" } : nil
        if node.json {
            for item in items { say(try NodeOptions.line(item)) }
            if let rest { ToolFile.standardError.say("apus: there may be more: \(rest), or a higher --limit") }
        } else if items.isEmpty {
            say("the queue is empty" + (filters.isEmpty && bounceClass == nil ? "" : " for these filters"))
        } else {
            for item in items { say(QueueText.row(item)) }
            if let rest { say("next page: \(rest)") }
        }
    }
}

struct QueueShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows one queued message with its recipients and their last replies.")

    @OptionGroup var node: NodeOptions
    @Argument(help: "Queue ID.")
    var id: String

    func run() async throws {
        let id = try queueID(id)
        let items = try await node.ask(.GET, "/admin/v1/queue/\(id)") { data in
            try JSONDecoder().decode([QueueItem].self, from: data)
        } spool: { spool, configuration in
            var selector = QueueSelector()
            selector.queueID = id
            return try await OfflineQueue(spool: spool, configuration).items(selector)
        }
        guard !items.isEmpty else { throw Exit.saying("\(id) is not in the queue", Exit.no) }
        for item in items { say(node.json ? try NodeOptions.line(item) : QueueText.page(item)) }
    }
}

/// How queued messages look on a terminal.
enum QueueText {
    static func row(_ item: QueueItem) -> String {
        let to = item.recipients.first?.recipient ?? ""
        let more = item.recipients.count > 1 ? " +\(item.recipients.count - 1)" : ""
        let next = item.nextAttempt.map { "  next \($0)" } ?? ""
        let kind = item.recipients.first?.class.map { " (\($0))" } ?? ""
        let why = item.reason ?? item.recipients.first?.reply.map { $0 + kind }
        return "\(item.queueID)/\(item.part)  \(item.state)  \(item.time)  \(item.size) B  "
            + "<\(item.reversePath)> → \(to)\(more)  attempts \(item.attempt)\(next)"
            + (why.map { "\n    \($0)" } ?? "")
    }

    static func page(_ item: QueueItem) -> String {
        var lines = [
            "queue ID      \(item.queueID), part \(item.part)", "state         \(item.state)",
            "arrival       \(item.time)", "expiry        \(item.expiry)",
            "reverse-path  <\(item.reversePath)>", "domain        \(item.domain)", "size          \(item.size) bytes",
            "record        mail partition \(item.partition), offset \(item.offset)",
        ]
        func add(_ name: String, _ value: String?) {
            if let value { lines.append(name.padding(toLength: 14, withPad: " ", startingAt: 0) + value) }
        }
        add("next attempt", item.nextAttempt)
        add("site", item.site)
        add("source", item.source)
        add("pool", item.pool)
        add("tenant", item.tenant)
        add("campaign", item.campaign)
        add("message ID", item.messageID)
        add("reason", item.reason)
        for recipient in item.recipients {
            lines.append("recipient     \(recipient.recipient), attempts \(recipient.attempt)")
            if let reply = recipient.reply { lines.append("              \(reply)") }
            let kind = [recipient.class, recipient.severity].compactMap { $0 }.joined(separator: ", ")
            let retry = recipient.errorClass.map { "retried as \($0)" }
            let words = [kind.isEmpty ? nil : kind, retry].compactMap { $0 }.joined(separator: "; ")
            if !words.isEmpty { lines.append("              \(words)") }
        }
        return lines.joined(separator: "\n")
    }
}
