import MailModel
import NIOCore
import NodeRuntime
import Spool

/// What operators ask a running sender about its queue.
package struct QueueService: Sendable {
    private let sender: SenderService

    package init(_ sender: SenderService) { self.sender = sender }

    private func dispatcher() throws(AdminProblem) -> Dispatcher {
        guard let dispatcher = sender.current else { throw .unavailable("the sender has not started yet") }
        return dispatcher
    }

    func list(
        _ selector: QueueSelector, bounceClass: String? = nil, after: QueuedMessage.Key?, limit: Int
    ) async throws -> [QueueItem] {
        let dispatcher = try dispatcher()
        let attempting = await runningAttempts()
        var wanted = selector
        // Only lanes know which of their messages are being attempted.
        if selector.state == "attempting" { wanted.state = "ready" }
        let plain = wanted
        let fetched = selector.state == "attempting" || selector.state == "ready" ? Int.max : limit
        let items = await sender.onLoop(dispatcher.loop) {
            dispatcher.list(plain, bounceClass: bounceClass, after: after, limit: fetched).map {
                ($0.key, dispatcher.item($0))
            }
        }
        return Array(
            items.lazy.map { key, item in
                var item = item
                if attempting[key] != nil { item.state = "attempting" }
                return item
            }.filter { selector.state == nil || $0.state == selector.state }.prefix(limit))
    }

    func show(_ id: QueueID) async throws -> [QueueItem] {
        var selector = QueueSelector()
        selector.queueID = id
        return try await list(selector, after: nil, limit: .max)
    }

    func why(_ id: QueueID) async throws -> [WhyAnswer] {
        let dispatcher = try dispatcher()
        let lanes = await views()
        let held = await sender.onLoop(dispatcher.loop) {
            var selector = QueueSelector()
            selector.queueID = id
            return dispatcher.select(selector).filter { !$0.isEnded }.map { message in
                (message.key, dispatcher.item(message), dispatcher.gate(of: message), message.lane)
            }
        }
        return held.map { key, item, gate, lane in
            var (item, gate) = (item, gate)
            if gate.name == "lane", let lane, let view = lanes[lane] { explain(key, view, &item, &gate) }
            return WhyAnswer(
                queueID: item.queueID, part: item.part, recipients: item.recipients.map(\.recipient),
                state: item.state, gate: gate.name, value: gate.value, until: gate.until?.description)
        }
    }

    private func explain(_ key: QueuedMessage.Key, _ view: LaneView, _ item: inout QueueItem, _ gate: inout Gate) {
        if let attempt = view.attempts.first(where: { $0.key == key }) {
            item.state = "attempting"
            gate = Gate(name: "attempt", value: "being sent to \(attempt.host) since \(attempt.since)", until: nil)
        } else if view.isBlockedByGauge {
            gate = Gate(
                name: "max_uncommitted",
                value: "\(sender.gauge.count) attempts wait for their commit, \(sender.gauge.limit) are allowed",
                until: nil)
        } else {
            gate.value +=
                ", \(view.ready) messages; \(view.connections) of \(view.limit) connections allowed now are open"
        }
    }

    private func views() async -> [LaneKey: LaneView] {
        var all: [LaneKey: LaneView] = [:]
        for group in sender.groups {
            for view in await sender.onLoop(group.loop, { group.views() }) { all[view.key] = view }
        }
        return all
    }

    private func runningAttempts() async -> [QueuedMessage.Key: LaneView.RunningAttempt] {
        var running: [QueuedMessage.Key: LaneView.RunningAttempt] = [:]
        for view in await views().values {
            for attempt in view.attempts { running[attempt.key] = attempt }
        }
        return running
    }
}
