internal import NIOCore
internal import Spool

/// Records and positions that become durable together, and whom to tell.
struct WriteRequest: Sendable {
    var records: [SpoolRecord]
    var positions: [CommittedPosition] = []
    /// Whose positions they are.
    var group: CommittedPositions.Group?
    /// Of keys, envelopes and values.
    var bytes: Int
    var done: @Sendable (Result<[Position], SpoolError>) -> Void
}

extension SpoolRecord {
    var byteCount: Int { key.utf8.count + (envelope?.readableBytes ?? 0) + (value?.readableBytes ?? 0) }
}
