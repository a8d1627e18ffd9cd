package import MailModel
package import NIOCore
package import Spool

/// Finds the delivery events of one message in the log.
package enum MessageTrace {
    /// Events of a queue ID, as JSON, oldest first. Reads the log from the moment in the queue ID on.
    package static func events(of id: QueueID, in spool: any Spool) async throws(SpoolError) -> [ByteBuffer] {
        let key = id.description
        // The spool's clock and that of the node that made the ID may differ a little.
        let stream = try await spool.follow(.events, from: .time(id.time + .seconds(-60)))
        defer { stream.close() }
        var found: [(Timestamp, ByteBuffer)] = []
        while true {
            let records = try await stream.next(wait: false)
            if records.isEmpty { break }
            for record in records where record.key == key {
                if let value = record.value { found.append((record.time, value)) }
            }
        }
        return found.enumerated().sorted { ($0.element.0, $0.offset) < ($1.element.0, $1.offset) }.map(\.element.1)
    }
}
