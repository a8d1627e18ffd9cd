internal import GRDB
internal import Spool

/// Next offset of each topic and end of each partition.
struct Offsets {
    /// Of a topic: the offset its next record gets, in whatever partition.
    var next: [Int64]
    /// Of a topic and partition: one more than the offset of its last record.
    var ends: [[Int64]]
    /// Of a topic: what the file says of them.
    private(set) var noted: [Note]

    /// Next offset and ends of a topic at the moment they were written into the file.
    struct Note: Sendable {
        var next: Int64
        var ends: [Int64]

        /// A partition that ended at or below an offset then has nothing from there up to what was next.
        func start(_ partition: Int, from offset: Int64) -> Int64 {
            offset >= ends[partition] ? max(offset, next) : offset
        }
    }

    /// Recovers them: what was noted last, and the rows since. The note outlives rows that were cleaned, so that no
    /// offset is given twice.
    init(_ configuration: LocalSpoolConfiguration, from file: Connection.Handle) throws {
        next = []
        ends = []
        noted = []
        for topic in Topic.allCases {
            let start = try file.integer("SELECT next FROM topics WHERE name = '\(topic.rawValue)'") ?? 0
            var found = Note(
                next: start, ends: [Int64](repeating: 0, count: configuration.partitionCount(topic)))
            try Self.add("SELECT partition, next FROM ends WHERE topic = '\(topic.rawValue)'", to: &found, topic, file)
            noted.append(found)
            try Self.add(
                "SELECT partition, id + 1 FROM \(Schema.table(topic)) WHERE id >= \(start)", to: &found, topic, file)
            next.append(found.next)
            ends.append(found.ends)
        }
    }

    private static func add(_ sql: String, to note: inout Note, _ topic: Topic, _ file: Connection.Handle) throws {
        let rows = try Row.fetchCursor(file.database, sql: sql)
        while let row = try rows.next() {
            let (partition, end): (Int, Int64) = (row[0], row[1])
            guard note.ends.indices.contains(partition) else {
                throw SpoolError(.corrupt, "a record of \(topic.rawValue) in partition \(partition)")
            }
            note.ends[partition] = max(note.ends[partition], end)
            note.next = max(note.next, end)
        }
    }

    func note(_ topic: Topic) -> Note { Note(next: next[topic.index], ends: ends[topic.index]) }

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
