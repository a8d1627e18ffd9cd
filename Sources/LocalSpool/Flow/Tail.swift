internal import DequeModule
internal import Spool
internal import Synchronization

/// One reader's place in the partitions of a topic, and the records that wait for it.
///
/// At the end of a partition it gets records from the commit that wrote them, sharing their buffers. When it has left
/// `limit` bytes unread it falls behind and reads from the file, a batch at a time, until it is at the end again.
/// The writer and reading threads fill it; one task empties it.
final class Tail: Sendable {
    private let state: Mutex<State>
    private let topic: Topic
    private let readers: ReaderPool
    private let limit: Int
    /// Records handed out at a time.
    private static let batch = 1_000

    init(_ topic: Topic, partitions: Int, readers: ReaderPool, limit: Int) {
        self.topic = topic
        self.readers = readers
        self.limit = limit
        state = Mutex(State(partitions: partitions))
    }

    func attach(ends: [Int64]) { state.withLock { $0.ends = ends } }

    /// Begins partitions at given offsets; those already begun move.
    func begin(_ partitions: [(partition: Int, offset: Int64)]) {
        change { state in
            for (partition, offset) in partitions {
                state.drop([partition])
                state.cursors[partition] = max(offset, 0)
            }
        }
    }

    /// Ends the flow of partitions; what waits of them is dropped.
    func stop(_ partitions: [Int]) { change { $0.drop(partitions) } }

    func push(_ event: SubscriptionEvent) { change { $0.events.append(event) } }

    /// - Parameter failure: What `next` throws from now on; without one it gives `nil`.
    func end(_ failure: SpoolError? = nil) {
        change { state in
            state.isEnded = true
            state.failure = failure
            state.ready = []
            state.readyBytes = 0
        }
    }

    func publish(_ records: [StoredRecord], ends: [Int64]) {
        change { state in
            state.append(records, limit: limit)
            state.ends = ends
        }
    }

    /// - Parameter always: Wakes the reader even where there is nothing for it: it may wait for just that answer.
    private func change(always: Bool = false, _ body: (inout State) -> Void) {
        let waiter = state.withLock { state in
            body(&state)
            return always || state.hasNews ? state.takeWaiter() : nil
        }
        waiter?.resume()
    }

    /// - Parameter wait: Without it, ends with `nil` when nothing is there, after a look into the file.
    /// - Returns: `nil` also after the end, and when the task is cancelled.
    func next(wait: Bool) async throws(SpoolError) -> SubscriptionEvent? {
        while true {
            let (step, scan) = state.withLock { state in
                let step = state.step(batch: Self.batch)
                return (step, state.planScan())
            }
            if let scan { start(scan) }
            switch step {
            case .event(let event): return event
            case .failed(let failure): throw failure
            case .ended: return nil
            case .scanning: break
            case .idle: if !wait { return nil }
            }
            if Task.isCancelled { return nil }
            await waitForNews(orScan: !wait)
        }
    }

    /// - Parameter scan: The end of a scan is news too; it may have come before this call.
    private func waitForNews(orScan scan: Bool) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isReady = state.withLock { state in
                    if state.hasNews || Task.isCancelled || (scan && !state.isScanning) { return true }
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.takeWaiter() }?.resume()
        }
    }

    private func start(_ plan: ScanPlan) {
        let isTaken = readers.run { [self] reader in
            do throws(SpoolError) {
                let scan = try reader.scan(topic, from: plan.cursors)
                change(always: true) { $0.apply(scan, plan) }
            } catch {
                change {
                    $0.isScanning = false; $0.failure = error
                }
            }
        }
        if !isTaken { end(SpoolError(.closed, "the spool is closed")) }
    }
}

/// Which partitions a scan of the file is for, and what was known when it began.
private struct ScanPlan {
    /// Below 0 where the partition is at its end already.
    var cursors: [Int64]
    var ends: [Int64]
    var epochs: [Int]
}

extension Tail {
    fileprivate struct State {
        /// Of each partition the next offset to hand out; below 0 where nothing flows.
        var cursors: [Int64]
        /// As published. A partition whose cursor is below is behind.
        var ends: [Int64]
        /// Changes whenever a cursor is set from outside, so that a scan begun before does not count for it.
        var epochs: [Int]
        var ready: [StoredRecord] = []
        var readyBytes = 0
        var events: Deque<SubscriptionEvent> = []
        var isScanning = false
        var failure: SpoolError?
        var isEnded = false
        var waiter: CheckedContinuation<Void, Never>?

        init(partitions: Int) {
            cursors = Array(repeating: -1, count: partitions)
            ends = Array(repeating: 0, count: partitions)
            epochs = Array(repeating: 0, count: partitions)
        }

        enum Step {
            case event(SubscriptionEvent)
            case failed(SpoolError)
            case scanning
            case idle
            case ended
        }

        private var isBehind: Bool {
            for index in cursors.indices where cursors[index] >= 0 && cursors[index] < ends[index] { return true }
            return false
        }

        /// `next` has something to do.
        var hasNews: Bool {
            isEnded || failure != nil || !events.isEmpty || !ready.isEmpty || (!isScanning && isBehind)
        }

        mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
            defer { waiter = nil }
            return waiter
        }

        mutating func step(batch: Int) -> Step {
            if let failure {
                if !isEnded { self.failure = nil }
                return .failed(failure)
            }
            if isEnded { return .ended }
            if let event = events.popFirst() { return .event(event) }
            if ready.isEmpty { return isScanning || isBehind ? .scanning : .idle }
            if ready.count <= batch {
                defer { (ready, readyBytes) = ([], 0) }
                return .event(.records(ready))
            }
            let records = Array(ready[..<batch])
            ready.removeFirst(batch)
            for record in records { readyBytes -= record.byteCount }
            return .event(.records(records))
        }

        /// The next scan, where one is due: partitions are behind, and little enough waits already.
        mutating func planScan() -> ScanPlan? {
            guard !isScanning, !isEnded, failure == nil, ready.isEmpty, isBehind else { return nil }
            isScanning = true
            let behind = cursors.indices.map { cursors[$0] < ends[$0] ? cursors[$0] : -1 }
            return ScanPlan(cursors: behind, ends: ends, epochs: epochs)
        }

        mutating func apply(_ scan: RecordReader.Scan, _ plan: ScanPlan) {
            isScanning = false
            guard !isEnded else { return }
            for partition in cursors.indices
            where plan.cursors[partition] >= 0 && plan.epochs[partition] == epochs[partition] {
                cursors[partition] = max(cursors[partition], scan.reached ?? plan.ends[partition])
            }
            for record in scan.records {
                let partition = record.position.partition
                guard plan.epochs[partition] == epochs[partition] else { continue }
                ready.append(record)
                readyBytes += record.byteCount
                cursors[partition] = max(cursors[partition], record.position.offset + 1)
            }
        }

        mutating func append(_ records: [StoredRecord], limit: Int) {
            for record in records {
                let (partition, offset) = (record.position.partition, record.position.offset)
                let cursor = cursors[partition]
                // A scan may have read ahead of what was published: then the cursor is above the end.
                if cursor >= 0, cursor >= ends[partition], offset >= cursor, readyBytes < limit {
                    ready.append(record)
                    readyBytes += record.byteCount
                    cursors[partition] = offset + 1
                }
                ends[partition] = offset + 1
            }
        }

        mutating func drop(_ partitions: [Int]) {
            for partition in partitions {
                cursors[partition] = -1
                epochs[partition] += 1
            }
            guard !ready.isEmpty else { return }
            let dropped = Set(partitions)
            ready.removeAll { dropped.contains($0.position.partition) }
            readyBytes = ready.reduce(0) { $0 + $1.byteCount }
        }
    }
}
