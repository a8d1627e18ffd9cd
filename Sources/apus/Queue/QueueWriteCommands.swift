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

struct QueueHoldCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold", abstract: "Keeps messages from being tried until they are released or expire.")
    @OptionGroup var node: NodeOptions
    @OptionGroup var target: QueueTarget

    func run() async throws { try await target.issue(.hold, node) }
}

struct QueueReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Lets messages that are held go on, at once.")
    @OptionGroup var node: NodeOptions
    @OptionGroup var target: QueueTarget

    func run() async throws { try await target.issue(.release, node) }
}

struct QueueRerouteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reroute", abstract: "Sends queued messages another way, at once.",
        discussion: """
            Example: apus queue reroute --domain example.org --to-relay backup.example.net:25 --to-pool spare

            What is held stays held, and goes the new way when it is released.
            """)
    @OptionGroup var node: NodeOptions
    @OptionGroup var target: QueueTarget
    @Option(help: "Pool of sources to send from.")
    var toPool: String?
    @Option(help: "Relay hosts to send to, HOST[:PORT], separated by commas, in place of the routes.")
    var toRelay: String?
    @Flag(help: "Back to the routes of the configuration.")
    var toRoutes = false

    func validate() throws {
        if toRoutes, toRelay != nil { throw ValidationError("give --to-relay or --to-routes, not both") }
        _ = try destination(nil)
    }

    private func destination(_ configuration: NodeConfiguration?) throws -> RerouteDestination {
        do throws(RerouteDestination.Problem) {
            return try RerouteDestination(
                pool: toPool, relay: toRoutes ? "" : toRelay, pools: configuration?.sender.pools.map(\.name))
        } catch {
            throw ValidationError("--to-\(error.text)")
        }
    }

    func run() async throws {
        var query: [URLQueryItem] = []
        if let toPool { query.append(URLQueryItem(name: "to_pool", value: toPool)) }
        if let relay = toRoutes ? "" : toRelay { query.append(URLQueryItem(name: "to_relay", value: relay)) }
        try await target.issue(.reroute, node, query) { command, configuration in
            try destination(configuration).apply(to: &command)
        }
    }
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

    /// - Parameters:
    ///   - more: Parameters of this action alone.
    ///   - change: Does to a command what `more` asks a node to do.
    func issue(
        _ action: QueueCommand.Action, _ node: NodeOptions, _ more: [URLQueryItem] = [],
        change: (inout QueueCommand, NodeConfiguration) throws -> Void = { _, _ in }
    ) async throws {
        var query = filters.query + more
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
        } spool: { spool, configuration in
            guard !chosen.isMomentary else {
                throw Exit.saying(
                    "no node runs: --state and --site choose among what a running node holds", Exit.unreachable)
            }
            var model = QueueCommand(
                id: QueueID(high: 0, low: 0), action: action, selector: chosen, issued: .now(), actor: actor)
            try change(&model, configuration)
            let (pool, relay) = (model.pool, model.relay)
            _ = try await QueueCommands(spool: spool).issue(
                action, chosen, actor: actor, reason: reason, change: { ($0.pool, $0.relay) = (pool, relay) },
                wait: .zero)
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
