internal import GRDB
internal import Spool

/// Next offset of each topic and end of each partition.
struct Offsets {
    /// Of a topic: the offset its next record gets, in whatever partition.
    var next: [Int64]
    /// Of a topic and partition: one more than the offset of its last record.
    var ends: [[Int64]]

    /// Recovers them: what was noted last, and the rows since. The note outlives rows that were cleaned, so that no
    /// offset is given twice.
    init(_ configuration: LocalSpoolConfiguration, from file: Connection.Handle) throws {
        next = []
        ends = []
        for topic in Topic.allCases {
            let table = Schema.table(topic)
            let noted = try file.integer("SELECT next FROM topics WHERE name = '\(topic.rawValue)'") ?? 0
            var topicEnds = [Int64](repeating: 0, count: configuration.partitionCount(topic))
            var topicNext = noted
            let sql = """
                SELECT partition, next FROM ends WHERE topic = '\(topic.rawValue)'
                UNION ALL SELECT partition, id + 1 FROM \(table) WHERE id >= \(noted)
                """
            let rows = try Row.fetchCursor(file.database, sql: sql)
            while let row = try rows.next() {
                let (partition, end): (Int, Int64) = (row[0], row[1])
                guard topicEnds.indices.contains(partition) else {
                    throw SpoolError(.corrupt, "a record of \(topic.rawValue) in partition \(partition)")
                }
                topicEnds[partition] = max(topicEnds[partition], end)
                topicNext = max(topicNext, end)
            }
            next.append(topicNext)
            ends.append(topicEnds)
        }
    }

    /// Notes a topic's present state in the running transaction.
    func save(_ topic: Topic, to file: Connection.Handle) throws {
        try file.execute("UPDATE topics SET next = \(next[topic.index]) WHERE name = '\(topic.rawValue)'")
        for (partition, end) in ends[topic.index].enumerated() where end > 0 {
            try file.execute("INSERT OR REPLACE INTO ends VALUES ('\(topic.rawValue)', \(partition), \(end))")
        }
    }
}

extension Topic {
    /// Place in `allCases`, for tables by topic.
    var index: Int {
        switch self {
        case .mail: 0
        case .schedule: 1
        case .events: 2
        case .control: 3
        case .limitRequests: 4
        case .limitGrants: 5
        }
    }
}
