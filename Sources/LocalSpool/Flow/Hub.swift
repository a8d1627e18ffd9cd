internal import Spool
internal import Synchronization

/// Tells readers of what was just committed. The writer's thread publishes; readers come and go from anywhere.
final class Hub: Sendable {
    private struct State {
        /// By topic and partition, as published: what a reader can be at the end of.
        var ends: [[Int64]]
        /// By topic, as the file has them.
        var noted: [Offsets.Note]
        var tails: [[Tail]]
    }

    private let state: Mutex<State>

    init(_ offsets: Offsets) {
        state = Mutex(State(ends: offsets.ends, noted: offsets.noted, tails: offsets.ends.map { _ in [] }))
    }

    var ends: [[Int64]] { state.withLock { $0.ends } }

    func noted(_ topic: Topic, _ note: Offsets.Note) { state.withLock { $0.noted[topic.index] = note } }

    /// Where to look for records of a partition from an offset on: above the rows of others that were written since its
    /// last record.
    func start(_ topic: Topic, partition: Int, from offset: Int64) -> Int64 {
        state.withLock { $0.noted[topic.index].start(partition, from: max(offset, 0)) }
    }

    func hasReaders(_ topic: Topic) -> Bool { state.withLock { !$0.tails[topic.index].isEmpty } }

    /// From here on the tail is told of everything above the ends it is given.
    func add(_ tail: Tail, to topic: Topic) {
        state.withLock { state in
            tail.attach(ends: state.ends[topic.index])
            state.tails[topic.index].append(tail)
        }
    }

    func remove(_ tail: Tail, from topic: Topic) {
        state.withLock { state in state.tails[topic.index].removeAll { $0 === tail } }
    }

    /// - Parameter records: In the order of the log. Empty where nobody read along when the commit began; who came
    ///   meanwhile finds them in the file.
    func publish(_ topic: Topic, _ records: [StoredRecord], ends: [Int64]) {
        state.withLock { state in
            state.ends[topic.index] = ends
            for tail in state.tails[topic.index] { tail.publish(records, ends: ends) }
        }
    }

    /// Ends the reading of everybody.
    func close() {
        let tails = state.withLock { state in state.tails.flatMap { $0 } }
        for tail in tails { tail.end(SpoolError(.closed, "the spool is closed")) }
    }
}
