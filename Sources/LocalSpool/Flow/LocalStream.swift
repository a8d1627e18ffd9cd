internal import Spool

/// `follow`: all partitions of a topic without a group.
final class LocalStream: RecordStream {
    private let tail: Tail
    private let hub: Hub
    private let topic: Topic

    init(_ topic: Topic, _ tail: Tail, hub: Hub) {
        self.topic = topic
        self.tail = tail
        self.hub = hub
    }

    deinit { hub.remove(tail, from: topic) }

    func next(wait: Bool) async throws(SpoolError) -> [StoredRecord] {
        guard case .records(let records)? = try await tail.next(wait: wait) else { return [] }
        return records
    }

    func close() {
        hub.remove(tail, from: topic)
        tail.end()
    }
}
