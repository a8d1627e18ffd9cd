internal import GRDB
internal import Spool
internal import Synchronization

/// What every group has committed: in memory, because every assignment and cleaning asks, and as rows.
final class CommittedPositions: Sendable {
    struct Group: Hashable {
        var name: String
        var topic: Topic
    }

    private let positions: Mutex<[Group: [CommittedPosition?]]>
    private let counts: [Int]

    init(_ configuration: LocalSpoolConfiguration, from file: Connection.Handle) throws {
        counts = Topic.allCases.map(configuration.partitionCount)
        var found: [Group: [CommittedPosition?]] = [:]
        let rows = try Row.fetchCursor(
            file.database, sql: "SELECT consumers, topic, partition, next, metadata FROM positions")
        while let row = try rows.next() {
            let (name, topic, partition): (String, String, Int) = (row[0], row[1], row[2])
            guard let topic = Topic(rawValue: topic), partition >= 0, partition < counts[topic.index] else {
                throw SpoolError(.corrupt, "a position of \(name) in \(topic) \(partition)")
            }
            let position = CommittedPosition(partition: partition, offset: row[3], metadata: row[4])
            let none = [CommittedPosition?](repeating: nil, count: counts[topic.index])
            found[Group(name: name, topic: topic), default: none][partition] = position
        }
        positions = Mutex(found)
    }

    func of(_ group: String, _ topic: Topic) -> [CommittedPosition?] {
        positions.withLock { $0[Group(name: group, topic: topic)] }
            ?? Array(repeating: nil, count: counts[topic.index])
    }

    func note(_ committed: [Group: [Int: CommittedPosition]]) {
        guard !committed.isEmpty else { return }
        positions.withLock { positions in
            for (group, parts) in committed {
                let none = [CommittedPosition?](repeating: nil, count: counts[group.topic.index])
                for (partition, position) in parts { positions[group, default: none][partition] = position }
            }
        }
    }

    /// For each partition, the offset below which every group has finished; 0 where some group has not begun.
    ///
    /// A topic that no group has ever read has nothing finished.
    func finished(_ topic: Topic) -> [Int64] {
        let nothing = [Int64](repeating: 0, count: counts[topic.index])
        let groups = positions.withLock { all in all.filter { $0.key.topic == topic }.map(\.value) }
        guard var floor = groups.first?.map({ $0?.offset ?? 0 }) else { return nothing }
        for group in groups.dropFirst() {
            for index in floor.indices { floor[index] = min(floor[index], group[index]?.offset ?? 0) }
        }
        return floor
    }
}
