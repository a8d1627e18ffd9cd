internal import DequeModule
internal import Spool

/// Threads with a reading connection each. They see what is committed and never hold the writer up.
final class ReaderPool: Sendable {
    typealias Job = @Sendable (RecordReader) -> Void

    private struct Queue {
        var jobs: Deque<Job> = []
        var running = 0
        var isClosing = false
        var ended: [@Sendable () -> Void] = []
    }

    private let queue = Monitor(Queue())

    init(_ connections: [Connection]) {
        queue.withLock { $0.running = connections.count }
        for connection in connections {
            SpoolThread.start { [self] in work(RecordReader(connection)) }
        }
    }

    /// - Returns: Whether the job will run; a closed pool runs none.
    @discardableResult
    func run(_ job: @escaping Job) -> Bool {
        queue.signal { queue in
            if queue.isClosing { return false }
            queue.jobs.append(job)
            return true
        }
    }

    /// Runs a job and waits for its result.
    func perform<R: Sendable>(
        _ body: @escaping @Sendable (RecordReader) throws(SpoolError) -> R
    ) async throws(SpoolError) -> R {
        let result: Result<R, SpoolError> = await withCheckedContinuation { continuation in
            let isTaken = run { reader in
                do throws(SpoolError) {
                    continuation.resume(returning: .success(try body(reader)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if !isTaken { continuation.resume(returning: .failure(SpoolError(.closed, "the spool is closed"))) }
        }
        return try result.get()
    }

    /// Runs what waits, closes the connections and ends the threads.
    func close() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isEnded = queue.signal { queue in
                queue.isClosing = true
                if queue.running == 0 { return true }
                queue.ended.append { continuation.resume() }
                return false
            }
            if isEnded { continuation.resume() }
        }
    }

    private func work(_ reader: RecordReader) {
        while true {
            let job: Job?? = queue.wait { queue in
                if let job = queue.jobs.popFirst() { return .some(job) }
                return queue.isClosing ? .some(nil) : nil
            }
            guard let job = job ?? nil else { break }
            job(reader)
        }
        reader.close()
        let ended = queue.signal { queue in
            queue.running -= 1
            return queue.running == 0 ? queue.ended : []
        }
        for end in ended { end() }
    }
}
