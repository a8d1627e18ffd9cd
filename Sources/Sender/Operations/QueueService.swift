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
        let keys = await sender.onLoop(dispatcher.loop) {
            dispatcher.list(plain, bounceClass: bounceClass, after: after, limit: fetched)
        }
        var found = try await look(at: keys).map(\.item)
        for index in found.indices {
            guard let id = QueueID(found[index].queueID) else { continue }
            let key = QueuedMessage.Key(queueID: id, part: found[index].part)
            if attempting[key] != nil { found[index].state = "attempting" }
        }
        return Array(found.lazy.filter { selector.state == nil || $0.state == selector.state }.prefix(limit))
    }

    /// Items and gates of messages by key, in order; the records of those that rest are read from the spool.
    private func look(at keys: [QueuedMessage.Key]) async throws -> [LiveView] {
        let dispatcher = try dispatcher()
        var found: [QueuedMessage.Key: LiveView] = [:]
        var missing = keys
        // A record may be superseded between the look and the reading: then it is looked for again.
        for _ in 0..<3 where !missing.isEmpty {
            let page = missing
            let (atWork, resting) = await sender.onLoop(dispatcher.loop) { dispatcher.look(at: page) }
            for view in atWork { found[view.key] = view }
            let records = try await sender.spool.read(resting.map(\.position), of: .schedule)
            missing = []
            for (view, record) in zip(resting, records) {
                if let entry = ScheduleEntry(of: view.key, in: record) {
                    found[view.key] = LiveView(view, entry)
                } else {
                    missing.append(view.key)
                }
            }
        }
        return keys.compactMap { found[$0] }
    }

    func show(_ id: QueueID) async throws -> [QueueItem] {
        var selector = QueueSelector()
        selector.queueID = id
        return try await list(selector, after: nil, limit: .max)
    }

    func why(_ id: QueueID) async throws -> [WhyAnswer] {
        let dispatcher = try dispatcher()
        let lanes = await views()
        let keys = await sender.onLoop(dispatcher.loop) {
            var selector = QueueSelector()
            selector.queueID = id
            return dispatcher.list(selector, bounceClass: nil, after: nil, limit: .max)
        }
        return try await look(at: keys).map { view in
            var (item, gate) = (view.item, view.gate)
            if gate.name == "lane", let lane = view.lane, let laneView = lanes[lane] {
                explain(view.key, laneView, &item, &gate)
            }
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

extension LiveView {
    init(_ view: RestingView, _ entry: ScheduleEntry) {
        var item = QueueItem(entry, state: view.state, lane: view.lane, partition: view.position.partition)
        item.explain(view.lack)
        self.init(key: view.key, item: item, gate: Gate(of: entry, view.lack), lane: view.lane)
    }
}
