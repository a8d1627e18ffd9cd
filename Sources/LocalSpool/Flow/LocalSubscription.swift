internal import Spool
internal import Synchronization

/// The consumer groups of this process: an embedded spool has no other members.
final class Groups: Sendable {
    private struct Group {
        var balance: GroupBalance
        var members: [GroupBalance.Member: Tail] = [:]
    }

    private struct State {
        var groups: [CommittedPositions.Group: Group] = [:]
        var lastMember = 0
    }

    private let state = Mutex(State())
    private let writer: Writer
    private let committed: CommittedPositions

    init(writer: Writer, committed: CommittedPositions) {
        self.writer = writer
        self.committed = committed
    }

    func join(_ name: CommittedPositions.Group, partitions: Int, _ tail: Tail) -> GroupBalance.Member {
        state.withLock { state in
            state.lastMember += 1
            let member = state.lastMember
            var group = state.groups[name] ?? Group(balance: GroupBalance(partitions: partitions))
            group.members[member] = tail
            tell(group.balance.join(member), name, group.members)
            state.groups[name] = group
            return member
        }
    }

    func leave(_ name: CommittedPositions.Group, _ member: GroupBalance.Member) {
        change(name) { group in
            defer { group.members[member] = nil }
            return group.balance.leave(member)
        }
    }

    func release(_ partitions: [Int], by member: GroupBalance.Member, of name: CommittedPositions.Group) {
        change(name) { $0.balance.release(partitions, by: member) }
    }

    func owns(_ name: CommittedPositions.Group, _ member: GroupBalance.Member, _ partitions: [Int]) -> Bool {
        state.withLock { state in
            guard let group = state.groups[name] else { return false }
            return group.members[member] != nil && partitions.allSatisfy { group.balance.owns(member, $0) }
        }
    }

    private func change(_ name: CommittedPositions.Group, _ body: (inout Group) -> [GroupBalance.Change]) {
        state.withLock { state in
            guard var group = state.groups[name] else { return }
            let changes = body(&group)
            tell(changes, name, group.members)
            state.groups[name] = group.members.isEmpty ? nil : group
        }
    }

    /// An assignment is told behind all commits that were handed over before it, so that it shows their positions.
    private func tell(
        _ changes: [GroupBalance.Change], _ name: CommittedPositions.Group, _ members: [GroupBalance.Member: Tail]
    ) {
        for change in changes {
            switch change {
            case .revoke(let member, let partitions):
                members[member]?.stop(partitions)
                members[member]?.push(.revoked(partitions))
            case .assign(let member, let partitions):
                guard let tail = members[member] else { continue }
                writer.run { [committed] _ in
                    let positions = committed.of(name.name, name.topic)
                    tail.push(
                        .assigned(
                            partitions.map {
                                SubscriptionEvent.Assignment(partition: $0, committed: positions[$0])
                            }))
                }
            }
        }
    }
}

/// Membership in a group of this process.
final class LocalSubscription: Subscription {
    private let name: CommittedPositions.Group
    private let member: GroupBalance.Member
    private let groups: Groups
    private let tail: Tail
    private let hub: Hub
    private let writer: Writer
    private let limits: RecordLimits

    init(
        _ name: CommittedPositions.Group, partitions: Int, _ tail: Tail, groups: Groups, hub: Hub, writer: Writer,
        limits: RecordLimits
    ) {
        self.name = name
        self.groups = groups
        self.tail = tail
        self.hub = hub
        self.writer = writer
        self.limits = limits
        hub.add(tail, to: name.topic)
        member = groups.join(name, partitions: partitions, tail)
    }

    deinit { giveUp() }

    func next() async throws(SpoolError) -> SubscriptionEvent? { try await tail.next(wait: true) }

    func begin(partition: Int, at offset: Int64) {
        guard groups.owns(name, member, [partition]) else { return }
        tail.begin([(partition, hub.start(name.topic, partition: partition, from: offset))])
    }

    func pause(partition: Int) { tail.stop([partition]) }

    func release(_ partitions: [Int]) {
        tail.stop(partitions)
        groups.release(partitions, by: member, of: name)
    }

    func commit(
        _ transaction: SpoolTransaction, done: @escaping @Sendable (Result<[Position], SpoolError>) -> Void
    ) {
        if let refusal = refusal(of: transaction) {
            // In its turn behind earlier commits, as any other result.
            if !writer.run({ _ in done(.failure(refusal)) }) { done(.failure(refusal)) }
            return
        }
        var bytes = 0
        for record in transaction.records { bytes += record.byteCount }
        for position in transaction.positions { bytes += position.metadata.utf8.count }
        writer.submit(
            WriteRequest(
                records: transaction.records, positions: transaction.positions, group: name, bytes: bytes, done: done))
    }

    private func refusal(of transaction: SpoolTransaction) -> SpoolError? {
        if !groups.owns(name, member, transaction.positions.map(\.partition)) {
            return SpoolError(.fenced, "a position of \(name.name) in a partition that this member does not own")
        }
        if let long = transaction.positions.first(where: { $0.metadata.utf8.count > RecordLimits.metadata }) {
            return SpoolError(
                .recordTooLarge, "metadata of \(long.metadata.utf8.count) bytes, at most \(RecordLimits.metadata)")
        }
        return limits.refusal(of: transaction.records)
    }

    func leave() async { giveUp() }

    private func giveUp() {
        hub.remove(tail, from: name.topic)
        groups.leave(name, member)
        tail.end()
    }
}

/// What is refused before it reaches the writer, so that it fails alone.
struct RecordLimits: Sendable {
    /// As a Kafka broker has it.
    static let metadata = 4096

    let record: Int
    let partitions: [Int]

    init(_ configuration: LocalSpoolConfiguration) {
        record = min(configuration.recordLimit, 1_000_000_000 - 65536)
        partitions = Topic.allCases.map(configuration.partitionCount)
    }

    func refusal(of records: [SpoolRecord]) -> SpoolError? {
        for entry in records {
            if entry.byteCount > record {
                return SpoolError(.recordTooLarge, "a record of \(entry.byteCount) bytes, at most \(record)")
            }
            if let partition = entry.partition {
                precondition(
                    partition >= 0 && partition < partitions[entry.topic.index],
                    "partition \(partition) of \(entry.topic.rawValue)")
            }
        }
        return nil
    }
}
