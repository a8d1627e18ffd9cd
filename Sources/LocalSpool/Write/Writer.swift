internal import DequeModule
internal import Spool
internal import Synchronization

/// The one thread that writes. Everything that waits when a commit starts shares it.
final class Writer: Sendable {
    private enum Work {
        case write(WriteRequest)
        /// Runs between commits, after the completions of all requests before it.
        case task(@Sendable (GroupCommit) -> Void)
    }

    private struct Queue {
        var work: Deque<Work> = []
        var isClosing = false
    }

    private let queue = Monitor(Queue())
    private let waitingRecords = Atomic(0)
    private let waitingBytes = Atomic(0)
    private let configuration: LocalSpoolConfiguration
    private let observe: @Sendable (CommitSample) -> Void

    init(_ configuration: LocalSpoolConfiguration, observe: @escaping @Sendable (CommitSample) -> Void) {
        self.configuration = configuration
        self.observe = observe
    }

    /// - Parameter make: Makes the state of the thread, on it.
    func start(_ make: @escaping @Sendable () -> GroupCommit) {
        SpoolThread.start { [self] in run(make()) }
    }

    var pending: PendingAppends {
        PendingAppends(
            records: waitingRecords.load(ordering: .relaxed), bytes: waitingBytes.load(ordering: .relaxed))
    }

    func submit(_ request: WriteRequest) {
        waitingRecords.add(request.records.count, ordering: .relaxed)
        waitingBytes.add(request.bytes, ordering: .relaxed)
        let isOpen = queue.signal { queue in
            if queue.isClosing { return false }
            queue.work.append(.write(request))
            return true
        }
        guard !isOpen else { return }
        forget([request])
        request.done(.failure(SpoolError(.closed, "the spool is closed")))
    }

    /// - Returns: Whether the task will run; a closed spool runs none.
    @discardableResult
    func run(_ task: @escaping @Sendable (GroupCommit) -> Void) -> Bool {
        queue.signal { queue in
            if queue.isClosing { return false }
            queue.work.append(.task(task))
            return true
        }
    }

    /// Takes nothing more; writes what waits, runs `last`, and ends the thread.
    func close(last: @escaping @Sendable (GroupCommit) -> Void) {
        queue.signal { queue in
            guard !queue.isClosing else { return }
            queue.work.append(.task(last))
            queue.isClosing = true
        }
    }

    private enum Step {
        case write([WriteRequest])
        case task(@Sendable (GroupCommit) -> Void)
        case end
    }

    private func run(_ commit: GroupCommit) {
        var pace = CommitPace(gap: configuration.commitGap)
        while true {
            pace.rest()
            let step: Step = queue.wait { queue in
                guard let first = queue.work.first else { return queue.isClosing ? .end : nil }
                guard case .task(let task) = first else { return .write(takeBatch(from: &queue.work)) }
                queue.work.removeFirst()
                return .task(task)
            }
            switch step {
            case .write(let batch):
                pace.begin(requests: batch.count)
                write(batch, commit)
            case .task(let task): task(commit)
            case .end: return
            }
        }
    }

    private func takeBatch(from work: inout Deque<Work>) -> [WriteRequest] {
        var batch: [WriteRequest] = []
        batch.reserveCapacity(min(work.count, configuration.commitRecords))
        var (records, bytes) = (0, 0)
        while case .write(let request)? = work.first {
            records += max(request.records.count, 1)
            bytes += request.bytes
            let fits = records <= configuration.commitRecords && bytes <= configuration.commitBytes
            guard fits || batch.isEmpty else { break }
            batch.append(request)
            work.removeFirst()
        }
        return batch
    }

    private func write(_ batch: [WriteRequest], _ commit: GroupCommit) {
        var (records, bytes) = (0, 0)
        for request in batch {
            records += request.records.count
            bytes += request.bytes
        }
        let start = ContinuousClock.now
        var duration = Duration.zero
        let failure = commit.write(batch[...]) { settled in
            duration = start.duration(to: .now)
            // Before the completions, so that who is told sees the room it made.
            forget(settled)
        }
        observe(
            CommitSample(records: records, bytes: bytes, duration: duration, failure: failure, waiting: pending))
    }

    private func forget(_ requests: ArraySlice<WriteRequest>) {
        var (records, bytes) = (0, 0)
        for request in requests {
            records += request.records.count
            bytes += request.bytes
        }
        waitingRecords.subtract(records, ordering: .relaxed)
        waitingBytes.subtract(bytes, ordering: .relaxed)
    }
}
