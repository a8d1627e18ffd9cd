import MailModel
import Spool
import Synchronization

/// A spool that passes everything on to another one, except what a test wants otherwise.
final class SpoolProxy: Spool {
    enum Verdict: Sendable {
        case pass
        case fail(SpoolError)
        /// Neither done nor answered, as by a process that died before it.
        case lose
        /// Passed on, but the answer does not come back, as to a process that died meanwhile.
        case loseAnswer
    }

    struct Rules: Sendable {
        var onCommit: @Sendable (SpoolTransaction) -> Verdict = { _ in .pass }
        var onAppend: @Sendable ([SpoolRecord]) -> Verdict = { _ in .pass }
        var onRead: @Sendable (Topic, Position, StoredRecord?) -> StoredRecord? = { $2 }
    }

    struct Counts: Sendable {
        var commits = 0
        var failedCommits = 0
        var longestMetadata = 0
    }

    let base: any Spool
    private let rules: Mutex<Rules>
    private let seen = Mutex(Counts())
    private let members = Mutex<[any Subscription]>([])

    init(_ base: any Spool, _ rules: Rules = Rules()) {
        self.base = base
        self.rules = Mutex(rules)
    }

    var counts: Counts { seen.withLock { $0 } }
    func change(_ body: @Sendable (inout Rules) -> Void) { rules.withLock { body(&$0) } }

    /// Nothing more gets through, and its memberships end: what the spool sees of a process that was killed.
    func cut() async {
        rules.withLock { rules in
            rules.onCommit = { _ in .lose }
            rules.onAppend = { _ in .lose }
        }
        for member in members.withLock({ $0 }) { await member.leave() }
    }

    func partitionCount(of topic: Topic) -> Int { base.partitionCount(of: topic) }

    func append(_ records: [SpoolRecord], done: @escaping @Sendable (Result<[Position], SpoolError>) -> Void) {
        let rule = rules.withLock { $0.onAppend }
        switch rule(records) {
        case .pass: base.append(records, done: done)
        case .fail(let error): done(.failure(error))
        case .lose: return
        case .loseAnswer: base.append(records) { _ in }
        }
    }

    func join(group: String, topic: Topic) async throws(SpoolError) -> any Subscription {
        let member = try await base.join(group: group, topic: topic)
        members.withLock { $0.append(member) }
        return SubscriptionProxy(base: member, spool: self)
    }

    fileprivate func commit(
        _ transaction: SpoolTransaction, on member: any Subscription,
        _ done: @escaping @Sendable (Result<[Position], SpoolError>) -> Void
    ) {
        let rule = rules.withLock { $0.onCommit }
        let verdict = rule(transaction)
        seen.withLock { seen in
            if case .fail = verdict { seen.failedCommits += 1 } else { seen.commits += 1 }
            for position in transaction.positions {
                seen.longestMetadata = max(seen.longestMetadata, position.metadata.count)
            }
        }
        switch verdict {
        case .pass: member.commit(transaction, done: done)
        case .fail(let error): done(.failure(error))
        case .lose: return
        case .loseAnswer: member.commit(transaction) { _ in }
        }
    }

    func read(_ positions: [Position], of topic: Topic) async throws(SpoolError) -> [StoredRecord?] {
        let records = try await base.read(positions, of: topic)
        let rule = rules.withLock { $0.onRead }
        return zip(positions, records).map { rule(topic, $0, $1) }
    }

    func replay(
        _ topic: Topic, partition: Int, batch: @escaping @Sendable ([StoredRecord]) -> Void
    ) async throws(SpoolError) {
        try await base.replay(topic, partition: partition, batch: batch)
    }

    func follow(_ topic: Topic, from start: FollowStart) async throws(SpoolError) -> any RecordStream {
        try await base.follow(topic, from: start)
    }

    func committed(group: String, topic: Topic) async throws(SpoolError) -> [CommittedPosition?] {
        try await base.committed(group: group, topic: topic)
    }

    func endOffsets(of topic: Topic) async throws(SpoolError) -> [Int64] { try await base.endOffsets(of: topic) }
    func count(of topic: Topic, from offsets: [Int: Int64]) async throws(SpoolError) -> [Int: Int] {
        try await base.count(of: topic, from: offsets)
    }
    func close() async { await base.close() }
}

private final class SubscriptionProxy: Subscription {
    let base: any Subscription
    let spool: SpoolProxy

    init(base: any Subscription, spool: SpoolProxy) { (self.base, self.spool) = (base, spool) }

    func next() async throws(SpoolError) -> SubscriptionEvent? { try await base.next() }
    func begin(partition: Int, at offset: Int64) { base.begin(partition: partition, at: offset) }
    func pause(partition: Int) { base.pause(partition: partition) }
    func release(_ partitions: [Int]) { base.release(partitions) }
    func leave() async { await base.leave() }

    func commit(_ transaction: SpoolTransaction, done: @escaping @Sendable (Result<[Position], SpoolError>) -> Void) {
        spool.commit(transaction, on: base, done)
    }
}
