import MailModel
import MailTestKit
import NIOCore
import Spool
import Synchronization

/// A spool that keeps what it is given in memory, and answers as a test says. Nothing can be read from it.
final class FakeSpool: Spool {
    typealias Done = @Sendable (Result<[Position], SpoolError>) -> Void

    enum Behaviour: Sendable {
        case succeed
        case fail(SpoolError)
        /// Answers when `answer` is called.
        case wait
    }

    private struct State {
        var behaviour = Behaviour.succeed
        var records: [SpoolRecord] = []
        var appends: [[SpoolRecord]] = []
        var waiting: [Done] = []
    }

    private let state = Mutex(State())

    func set(_ behaviour: Behaviour) { state.withLock { $0.behaviour = behaviour } }

    /// Records of each append to `mail`, in order.
    var mail: [[SpoolRecord]] { state.withLock { $0.appends } }
    var events: [String] {
        state.withLock { state in
            state.records.filter { $0.topic == .events }.compactMap { $0.value.map { String(buffer: $0) } }
        }
    }
    var waiting: Int { state.withLock { $0.waiting.count } }

    func messages() throws -> [MessageRecord] {
        try mail.flatMap { $0 }.map { record in
            try MessageRecord(
                StoredRecord(
                    position: Position(partition: 0, offset: 0), key: record.key, time: Timestamp(milliseconds: 0),
                    envelope: record.envelope, value: record.value))
        }
    }

    func answer(_ result: Result<[Position], SpoolError>) {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for done in waiting { done(result) }
    }

    func append(_ records: [SpoolRecord], done: @escaping Done) {
        let behaviour = state.withLock { state in
            state.records += records
            guard records.contains(where: { $0.topic == .mail }) else { return Behaviour.succeed }
            state.appends.append(records)
            if case .wait = state.behaviour { state.waiting.append(done) }
            return state.behaviour
        }
        switch behaviour {
        case .succeed: done(.success(records.map { _ in Position(partition: 0, offset: 0) }))
        case .fail(let error): done(.failure(error))
        case .wait: return
        }
    }

    func partitionCount(of topic: Topic) -> Int { 1 }
    func join(group: String, topic: Topic) async throws(SpoolError) -> any Subscription { throw Self.absent }
    func read(_ positions: [Position], of topic: Topic) async throws(SpoolError) -> [StoredRecord?] {
        throw Self.absent
    }
    func replay(
        _ topic: Topic, partition: Int, batch: @escaping @Sendable ([StoredRecord]) -> Void
    ) async throws(SpoolError) { throw Self.absent }
    func follow(_ topic: Topic, from start: FollowStart) async throws(SpoolError) -> any RecordStream {
        throw Self.absent
    }
    func committed(group: String, topic: Topic) async throws(SpoolError) -> [CommittedPosition?] { throw Self.absent }
    func endOffsets(of topic: Topic) async throws(SpoolError) -> [Int64] { throw Self.absent }
    func count(of topic: Topic, from offsets: [Int: Int64]) async throws(SpoolError) -> [Int: Int] { throw Self.absent }
    func close() async {}

    private static let absent = SpoolError(.unavailable, "ingress has no business there")
}
