import ArgumentParser
import Foundation
import MailModel
import NIOHTTP1
import NodeRuntime
import Sender
import Spool

struct QueueRetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Tries messages now, whatever their due time.")
    @OptionGroup var node: NodeOptions
    @OptionGroup var target: QueueTarget

    func run() async throws { try await target.issue(.retry, node) }
}

struct QueueFailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fail", abstract: "Fails messages for good; their originators get a DSN.")
    @OptionGroup var node: NodeOptions
    @OptionGroup var target: QueueTarget

    func run() async throws { try await target.issue(.fail, node) }
}

struct QueueDropCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop", abstract: "Removes messages without telling their originators.")
    @OptionGroup var node: NodeOptions
    @OptionGroup var target: QueueTarget

    func run() async throws { try await target.issue(.drop, node) }
}

/// The messages a command is for: one by its ID, or all that match filters.
struct QueueTarget: ParsableArguments {
    @Argument(help: "Queue ID; without it the filters choose.")
    var id: String?
    @OptionGroup var filters: QueueFilters
    @Flag(help: "The whole queue; asked for where neither ID nor filter is given.")
    var all = false
    @Option(help: "Why, for the events and DSNs that follow.")
    var reason: String?

    func validate() throws {
        if id != nil, !filters.isEmpty || all { throw ValidationError("give a queue ID, or filters, not both") }
        if id == nil, filters.isEmpty, !all { throw ValidationError("give a queue ID, a filter, or --all") }
        if let reason, reason.count > 1000 || reason.unicodeScalars.contains(where: Self.isControl) {
            throw ValidationError("--reason: must be one line of at most 1000 characters")
        }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.generalCategory == .control }

    func issue(_ action: QueueCommand.Action, _ node: NodeOptions) async throws {
        var query = filters.query
        let actor = ProcessInfo.processInfo.environment["SUDO_USER"] ?? NSUserName()
        query.append(URLQueryItem(name: "actor", value: actor))
        if let reason { query.append(URLQueryItem(name: "reason", value: reason)) }
        if all { query.append(URLQueryItem(name: "all", value: "true")) }
        var path = "/admin/v1/queue/\(action.rawValue)"
        var selector = filters.selector
        if let id {
            let id = try queueID(id)
            path = "/admin/v1/queue/\(id)/\(action.rawValue)"
            selector.queueID = id
        }
        let chosen = selector
        let answer = try await node.ask(.POST, path, query: query, writes: true) { data -> CommandAnswer? in
            try JSONDecoder().decode(CommandAnswer.self, from: data)
        } spool: { spool, _ in
            guard !chosen.isMomentary else {
                throw Exit.saying(
                    "no node runs: --state and --site choose among what a running node holds", Exit.unreachable)
            }
            _ = try await QueueCommands(spool: spool)
                .issue(action, chosen, actor: actor, reason: reason, wait: .zero)
            return nil
        }
        try tell(answer, action, node)
    }

    private func tell(_ answer: CommandAnswer?, _ action: QueueCommand.Action, _ node: NodeOptions) throws {
        guard let answer else {
            return say("no node runs: the command is in the spool and is carried out when one starts within a day")
        }
        if node.json {
            say(try NodeOptions.line(answer))
        } else {
            for one in answer.answers { say("\(one.node): \(action.rawValue) applied to \(one.matched) recipients") }
        }
        if answer.answers.isEmpty {
            throw Exit.saying("no sender has answered yet; the command stands for a day", Exit.tryAgain)
        }
        if answer.answers.allSatisfy({ $0.matched == 0 }) { throw Exit.saying("nothing in the queue matches", Exit.no) }
    }
}
