import DeliveryPolicy
import MailModel
import NIOCore
package import NodeRuntime
import Spool
import Synchronization

extension SenderService {
    /// What operators can ask of the queue over HTTP (DESIGN §9).
    package var routes: [AdminRoute] {
        let queue = QueueService(self)
        return [
            AdminRoute(.get, "/admin/v1/queue") { request in
                var query = request.query
                let bounceClass = try query.removeValue(forKey: "class").map(Self.bounceClass)
                let selector = try Self.selector(query)
                let limit = try request.integer("limit", in: 1...1_000_000, default: 100)
                let after = try Self.key(request.query["after"])
                let items = try await queue.list(selector, bounceClass: bounceClass, after: after, limit: limit)
                return .lines { lines in
                    for item in items { try await lines.write(item) }
                }
            },
            AdminRoute(.get, "/admin/v1/queue/{id}") { request in
                let id = try Self.queueID(request)
                let items = try await queue.show(id)
                guard !items.isEmpty else { throw AdminProblem.notFound("\(id) is not in the queue") }
                return try .json(items)
            },
            AdminRoute(.get, "/admin/v1/messages/{id}/why") { request in
                let id = try Self.queueID(request)
                let answers = try await queue.why(id)
                guard !answers.isEmpty else {
                    throw AdminProblem.notFound("\(id) is not in the queue; its trace tells how it ended")
                }
                return try .json(answers)
            },
            AdminRoute(.get, "/admin/v1/messages/{id}/trace") { [spool] request in
                let id = try Self.queueID(request)
                let events = try await MessageTrace.events(of: id, in: spool)
                guard !events.isEmpty else { throw AdminProblem.notFound("no event of \(id) is in the log") }
                return .lines { lines in
                    for event in events { try await lines.write(json: event) }
                }
            },
            AdminRoute(.get, "/admin/v1/refs/{tag}") { [self] request in
                let tags = tags.withLock { $0 }
                do {
                    let told = try await TagTrace.lines(of: request.parameters["tag"] ?? "", tags, in: spool)
                    return .lines { lines in
                        for line in told { try await lines.write(json: line) }
                    }
                } catch let refusal as TraceTags.Refusal {
                    throw AdminProblem.notFound("\(refusal)")
                }
            },
        ] + commandRoutes
    }

    private var commandRoutes: [AdminRoute] {
        let commands = QueueCommands(spool: spool)
        return QueueCommand.Action.allCases.flatMap { action in
            [
                AdminRoute(.post, "/admin/v1/queue/{id}/\(action.rawValue)") { request in
                    var selector = QueueSelector()
                    selector.queueID = try Self.queueID(request)
                    return try await self.issue(action, selector, request, commands)
                },
                AdminRoute(.post, "/admin/v1/queue/\(action.rawValue)") { request in
                    let selector = try Self.selector(request.query)
                    guard !selector.isEmpty || request.query["all"] == "true" else {
                        throw AdminProblem.badRequest("give a filter, or all=true for the whole queue")
                    }
                    return try await self.issue(action, selector, request, commands)
                },
            ]
        }
    }

    private func issue(
        _ action: QueueCommand.Action, _ selector: QueueSelector, _ request: AdminRequest, _ commands: QueueCommands
    ) async throws -> AdminResponse {
        let destination = try await destination(action, request.query)
        let answer = try await commands.issue(
            action, selector, actor: request.query["actor"] ?? "admin", reason: request.query["reason"],
            change: { destination?.apply(to: &$0) }, wait: .seconds(5))
        return try .json(answer)
    }

    private func destination(
        _ action: QueueCommand.Action, _ query: [String: String]
    ) async throws -> RerouteDestination? {
        guard action == .reroute else {
            guard query["to_pool"] == nil, query["to_relay"] == nil else {
                throw AdminProblem.badRequest("to_pool and to_relay are for reroute")
            }
            return nil
        }
        var pools: [String] = []
        if let dispatcher = current { pools = await onLoop(dispatcher.loop) { dispatcher.pools.names } }
        do throws(RerouteDestination.Problem) {
            return try RerouteDestination(pool: query["to_pool"], relay: query["to_relay"], pools: pools)
        } catch {
            throw AdminProblem.badRequest("to_\(error.text)")
        }
    }

    private static let filters: Set<String> = ["domain", "site", "tenant", "campaign", "pool", "state"]
    private static let others: Set<String> = ["limit", "after", "actor", "reason", "all", "to_pool", "to_relay"]

    private static func selector(_ query: [String: String]) throws -> QueueSelector {
        if let unknown = query.keys.first(where: { !filters.contains($0) && !others.contains($0) }) {
            throw AdminProblem.badRequest(
                "\(unknown) is no filter; allowed are \(filters.sorted().joined(separator: ", "))")
        }
        var selector = QueueSelector()
        if let domain = query["domain"] {
            guard let domain = Domain(normalizing: domain) else {
                throw AdminProblem.badRequest("domain: \(domain) is not a domain")
            }
            selector.domain = domain.name
        }
        selector.site = query["site"]
        selector.tenant = query["tenant"]
        selector.campaign = query["campaign"]
        selector.pool = query["pool"]
        if let state = query["state"] {
            guard QueueSelector.states.contains(state) else {
                throw AdminProblem.badRequest(
                    "state: \(state) is none of \(QueueSelector.states.joined(separator: ", "))")
            }
            selector.state = state
        }
        return selector
    }

    private static func bounceClass(_ text: String) throws -> String {
        guard BounceClass(rawValue: text) != nil else {
            let names = BounceClass.allCases.map(\.rawValue).joined(separator: ", ")
            throw AdminProblem.badRequest("class: \(text) is none of \(names)")
        }
        return text
    }

    private static func queueID(_ request: AdminRequest) throws -> QueueID {
        let text = request.parameters["id"] ?? ""
        guard let id = QueueID(text) else {
            throw AdminProblem.badRequest("\(text) is not a queue ID: 26 letters and digits")
        }
        return id
    }

    /// `QUEUEID/part` of the last item of the page before.
    private static func key(_ text: String?) throws -> QueuedMessage.Key? {
        guard let text else { return nil }
        guard case .entry(let id, let part) = ScheduleKey(text) else {
            throw AdminProblem.badRequest("after: \(text) is not QUEUEID/part")
        }
        return QueuedMessage.Key(queueID: id, part: part)
    }
}
