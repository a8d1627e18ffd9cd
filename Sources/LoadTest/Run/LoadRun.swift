package import NIOCore
import Synchronization

/// What all event loops of a run share; they look at it after each message and ten times a second.
final class LoadControl: Sendable {
    let started = Atomic<Int>(0)
    let accepted = Atomic<Int>(0)
    let failed = Atomic<Int>(0)
    private let hasConnected = Atomic<Bool>(false)
    private let mustStop = Atomic<Bool>(false)
    private let mustAbort = Atomic<Bool>(false)
    private let unreachable = Mutex<LoadFailure?>(nil)

    var isStopping: Bool { mustStop.load(ordering: .relaxed) }
    /// The first word of the server was that it is not there.
    var firstWord: LoadFailure? { unreachable.withLock { $0 } }

    var isAborting: Bool { mustAbort.load(ordering: .relaxed) }

    func abort() {
        stop()
        mustAbort.store(true, ordering: .relaxed)
    }

    func stop() { mustStop.store(true, ordering: .relaxed) }

    func connected() {
        if !hasConnected.load(ordering: .relaxed) { hasConnected.store(true, ordering: .relaxed) }
    }

    /// Where nothing was ever connected to, the run ends: its address is wrong.
    func failedToConnect(_ failure: LoadFailure) {
        guard !hasConnected.load(ordering: .relaxed), failure.kind != .interrupted else { return }
        unreachable.withLock { $0 = $0 ?? failure }
        stop()
    }
}

/// A load test against one server, from its start to its results.
package final class LoadRun: Sendable {
    package struct Progress: Sendable {
        package var started: Int
        package var accepted: Int
        package var failed: Int
    }

    private let control = LoadControl()
    private let ends: [EventLoopFuture<LoadResults>]

    /// Begins at once.
    ///
    /// - Parameter eventLoops: One or more; of more than there are connections, so many are used.
    package init(_ configuration: LoadConfiguration, on eventLoops: [any EventLoop]) {
        let count = min(eventLoops.count, configuration.connections)
        let counter = LoadSource.Counter()
        let content = LoadContent(configuration.plan)
        let (start, wallStart) = (Uptime.now, configuration.wallClock())
        ends = eventLoops.prefix(count).enumerated().map { [control] index, eventLoop in
            let done = eventLoop.makePromise(of: LoadResults.self)
            let source = LoadSource(
                configuration.schedule, counter: counter, messages: configuration.messages,
                duration: configuration.duration, index: index, of: count)
            let share = configuration.connections / count + (index < configuration.connections % count ? 1 : 0)
            eventLoop.execute {
                let loop = LoadLoop(
                    configuration, content, source, connections: share, control: control, start: start,
                    wallStart: wallStart, on: eventLoop, done: done)
                loop.begin()
            }
            return done.futureResult
        }
    }

    /// Results of all loops, when nothing is under way any more.
    package func finish() async throws -> LoadResults {
        var results = LoadResults()
        for end in ends { results.add(try await end.get()) }
        return results
    }

    /// Begins no more messages; those under way go on.
    package func stop() { control.stop() }

    /// Ends those under way too.
    package func abort() { control.abort() }

    /// Why the run ended before it began: nothing was ever connected to.
    package var unreachable: LoadFailure? { control.firstWord }

    package var progress: Progress {
        Progress(
            started: control.started.load(ordering: .relaxed), accepted: control.accepted.load(ordering: .relaxed),
            failed: control.failed.load(ordering: .relaxed))
    }
}
