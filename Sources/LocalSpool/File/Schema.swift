internal import MailModel
internal import Spool

/// Tables of `spool.sqlite`.
///
/// Offsets of a topic are one sequence over all its partitions, so that every append goes to the right edge of one
/// B-tree: with a sequence a partition, a commit would write a page for each partition it touches, twice the bytes.
/// Readers of some partitions skip the rows of others without loading their content.
enum Schema {
    /// `Apus` in ASCII.
    static let applicationID: Int32 = 0x4170_7573
    static let version: Int32 = 1
    /// Measured with contents of 1, 4 and 20 KB at 20 and 100 a commit: as fast as larger pages or faster, and the
    /// fewest bytes where a commit holds little.
    static let pageSize = 4096

    static func table(_ topic: Topic) -> String {
        switch topic {
        case .mail: "mail"
        case .schedule: "schedule"
        case .events: "events"
        case .control: "control"
        case .limitRequests: "limit_requests"
        case .limitGrants: "limit_grants"
        }
    }

    /// A newer record of a key takes the place of the older one in compacted topics.
    static func insert(_ topic: Topic) -> String {
        """
        INSERT \(topic.isCompacted ? "OR REPLACE" : "") INTO \(table(topic))
        (id, partition, time, reference, key, envelope, value) VALUES (?, ?, ?, ?, ?, ?, ?)
        """
    }

    static func create(_ configuration: LocalSpoolConfiguration, on file: Connection.Handle) throws {
        for topic in Topic.allCases {
            let name = table(topic)
            let unique = topic.isCompacted ? ", UNIQUE (partition, key)" : ""
            try file.execute(
                """
                CREATE TABLE \(name) (
                    id INTEGER PRIMARY KEY, partition INTEGER NOT NULL, time INTEGER NOT NULL, reference INTEGER,
                    key TEXT NOT NULL, envelope BLOB, value BLOB\(unique))
                """)
            if topic.isCompacted {
                try file.execute("CREATE INDEX \(name)_ended ON \(name) (time) WHERE value IS NULL")
            }
        }
        try file.execute(
            """
            CREATE INDEX schedule_reference ON schedule (reference) WHERE reference IS NOT NULL;
            CREATE TABLE topics (name TEXT PRIMARY KEY, partitions INTEGER NOT NULL, next INTEGER NOT NULL) WITHOUT ROWID;
            CREATE TABLE ends (
                topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL,
                PRIMARY KEY (topic, partition)) WITHOUT ROWID;
            CREATE TABLE positions (
                consumers TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL,
                metadata TEXT NOT NULL, PRIMARY KEY (consumers, topic, partition)) WITHOUT ROWID;
            CREATE TABLE shutdown (clean INTEGER NOT NULL);
            INSERT INTO shutdown VALUES (1);
            """)
        for topic in Topic.allCases {
            let count = configuration.partitionCount(topic)
            try file.execute("INSERT INTO topics VALUES ('\(topic.rawValue)', \(count), 0)")
        }
        try file.execute("PRAGMA application_id = \(applicationID)")
        try file.execute("PRAGMA user_version = \(version)")
    }
}
