import DequeModule
import NIOCore
import Synchronization

/// The share of a run on one event loop: its workers, and the clock that tells them to begin. Lives on that loop.
final class LoadLoop {
    private static let tick = TimeAmount.milliseconds(100)

    let eventLoop: any EventLoop
    let configuration: LoadConfiguration
    let content: LoadContent
    var results = LoadResults()
    private(set) var date = ""
    private var workers: [LoadWorker] = []
    private var idle: Deque<LoadWorker> = []
    private var source: LoadSource
    private let control: LoadControl
    private let done: EventLoopPromise<LoadResults>
    /// `Uptime` of the start, and microseconds since 1970 then.
    private let start: Int64
    private let wallStart: Int64
    private var timer: Scheduled<Void>?
    private var ticker: RepeatedTask?
    private var dateDue: Int64 = 0
    private var isStopping = false
    private var isDispatching = false
    private var isDone = false

    init(
        _ configuration: LoadConfiguration, _ content: LoadContent, _ source: LoadSource, connections: Int,
        control: LoadControl, start: Int64, wallStart: Int64, on eventLoop: any EventLoop,
        done: EventLoopPromise<LoadResults>
    ) {
        self.configuration = configuration
        self.content = content
        self.source = source
        self.control = control
        self.start = start
        self.wallStart = wallStart
        self.eventLoop = eventLoop
        self.done = done
        for _ in 0..<connections { workers.append(LoadWorker(self)) }
        idle = Deque(workers)
    }

    func begin() {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        ticker = eventLoop.scheduleRepeatedTask(initialDelay: Self.tick, delay: Self.tick) { _ in
            bound.value.checkDeadlines()
        }
        dispatch()
    }

    func wallClock(of due: Int64) -> Int64 { wallStart + (due - start) / 1000 }

    // What workers tell.

    func connected() { control.connected() }

    func finished(_ outcome: LoadOutcome, total: Int64, now: Int64) {
        results.end = now - start
        if let failure = outcome.failure {
            control.failed.wrappingAdd(1, ordering: .relaxed)
            return results.addFailed(failure)
        }
        if let failure = outcome.recipientFailure { results.add(failure) }
        control.accepted.wrappingAdd(1, ordering: .relaxed)
        results.addAccepted(outcome, total: total, tracking: configuration.tracksAccepted)
    }

    func failed(_ failure: LoadFailure) {
        results.end = Uptime.now - start
        control.failed.wrappingAdd(1, ordering: .relaxed)
        results.addFailed(failure)
        if failure.stage == .connect { control.failedToConnect(failure) }
    }

    func free(_ worker: LoadWorker) {
        idle.append(worker)
        dispatch()
    }

    /// An idle connection ended.
    func closed() { if isStopping { dispatch() } }

    /// Gives messages that are due to workers that are free.
    private func dispatch() {
        guard !isDispatching, !isDone else { return }
        isDispatching = true
        defer { isDispatching = false }
        if control.isStopping { isStopping = true }
        while !idle.isEmpty, !isStopping {
            let now = Uptime.now
            switch source.next(now: now - start) {
            case .message(let number, let due):
                results.started += 1
                control.started.wrappingAdd(1, ordering: .relaxed)
                renewDate(now)
                idle.removeFirst().take(configuration.plan.message(number), due: start + due)
            case .later(let due):
                return wake(at: start + due)
            case .none:
                isStopping = true
            }
        }
        if isStopping { finish() }
    }

    private func wake(at moment: Int64) {
        guard timer == nil else { return }
        let deadline = NIODeadline.uptimeNanoseconds(UInt64(moment))
        timer = eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.timer = nil
            self.dispatch()
        }
    }

    /// When nothing is under way: ends the connections, and when these are closed the run.
    private func finish() {
        guard idle.count == workers.count else { return }
        timer?.cancel()
        var isClosed = true
        for worker in workers {
            guard let connection = worker.connection else { continue }
            isClosed = false
            if connection.isIdle { worker.close() }
        }
        guard isClosed else { return }
        isDone = true
        ticker?.cancel()
        workers = []
        idle = []
        done.succeed(results)
    }

    private func checkDeadlines() {
        let now = Uptime.now
        for worker in workers {
            if let connection = worker.connection, connection.deadline <= now { connection.expire() }
        }
        if control.isAborting {
            for worker in workers { worker.abort() }
        }
        if control.isStopping { dispatch() }
    }

    private func renewDate(_ now: Int64) {
        guard now >= dateDue else { return }
        date = configuration.date()
        dateDue = now + 1_000_000_000
    }
}
