import MailModel
import NIOCore
import NodeRuntime
import Synchronization

/// The watches of a sender. Each lane group has a list of its own; this one bounds their number and ends them.
final class SessionWatches: Sendable {
    static let limit = 4

    private struct State {
        var open: [SessionWatch] = []
        var isStopping = false
    }

    private let state = Mutex(State())
    private let groups: [LaneGroup]

    init(_ groups: [LaneGroup]) { self.groups = groups }

    /// Begins a watch that ends by itself after `time`; it is in force when this returns.
    func begin(
        _ selector: SessionWatch.Selector, attempts: Int, for time: Duration
    ) async throws(AdminProblem) -> SessionWatch {
        let watch = SessionWatch(selector, attempts: attempts)
        let refusal = state.withLock { state -> String? in
            if state.isStopping { return "the sender is stopping" }
            guard state.open.count < Self.limit else { return "sessions are watched by \(Self.limit) already" }
            state.open.append(watch)
            return nil
        }
        if let refusal { throw .unavailable(refusal) }
        watch.write(SessionLine.watching(attempts: attempts, time: time))
        await onEachLoop { $0.watches.append(watch) }
        groups.first?.loop.scheduleTask(in: TimeAmount(time)) { [self] in
            watch.end(.time)
            remove(watch)
        }
        return watch
    }

    func remove(_ watch: SessionWatch) {
        state.withLock { state in state.open.removeAll { $0 === watch } }
        for group in groups { group.loop.execute { group.watches.removeAll { $0 === watch } } }
    }

    /// The sender stops: watches end, and none begins.
    func stop() {
        let open = state.withLock { state in
            state.isStopping = true
            return state.open
        }
        for watch in open { watch.end(.stopping) }
    }

    private func onEachLoop(_ body: @escaping @Sendable (LaneGroup) -> Void) async {
        for group in groups {
            await withCheckedContinuation { continuation in
                group.loop.execute {
                    body(group)
                    continuation.resume()
                }
            }
        }
    }
}
