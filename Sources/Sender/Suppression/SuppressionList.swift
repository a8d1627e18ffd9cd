package import DeliveryPolicy
package import MailModel
package import Spool
import Synchronization

/// The suppression list as it lies in `control`, for the node and for commands while none runs.
package struct SuppressionList: Sendable {
    /// Entries of one append.
    package static let batch = 1000

    private let spool: any Spool

    package init(spool: any Spool) { self.spool = spool }

    // MARK: Changing

    /// - Returns: Offset of the last record.
    @discardableResult
    package func add(_ suppressions: [Suppression]) async throws(SpoolError) -> Int64 {
        try await append(suppressions.map { SpoolRecord(.suppression($0)) })
    }

    /// - Returns: Offset of the last tombstone.
    @discardableResult
    package func remove(_ keys: [SuppressionKey]) async throws(SpoolError) -> Int64 {
        try await append(keys.map { SpoolRecord(ending: $0) })
    }

    private func append(_ records: [SpoolRecord]) async throws(SpoolError) -> Int64 {
        if records.isEmpty { return -1 }
        let result: Result<[Position], SpoolError> = await withCheckedContinuation { continuation in
            spool.append(records) { continuation.resume(returning: $0) }
        }
        return try result.get().reduce(-1) { max($0, $1.offset) }
    }

    // MARK: Reading

    /// All entries that are in force.
    ///
    /// - Returns: The set, and an offset below which every record is in it.
    package func load(
        unreadable: @escaping @Sendable (String, SpoolError) -> Void = { _, _ in }
    ) async throws(SpoolError) -> (set: SuppressionSet, end: Int64) {
        let end = try await spool.endOffsets(of: .control).max() ?? 0
        let set = Mutex(SuppressionSet())
        let now = Timestamp.now()
        try await spool.replay(.control, partition: 0) { records in
            set.withLock { set in
                for record in records {
                    do throws(SpoolError) {
                        switch try SuppressionChange(record) {
                        case .insert(let suppression) where suppression.isExpired(at: now):
                            set.remove(suppression.key)
                        case let change?: change.apply(to: &set)
                        case nil: continue
                        }
                    } catch {
                        unreadable(record.key, error)
                    }
                }
            }
        }
        return (set.withLock { $0 }, end)
    }

    /// Entries in force that match, in the order in which they were written.
    ///
    /// - Parameters:
    ///   - after: Only those behind the entry with this offset, for the next page.
    ///   - body: Gets each entry with its offset.
    package func forEach(
        _ filter: SuppressionFilter = SuppressionFilter(), after: Int64? = nil, limit: Int,
        _ body: (Suppression, Int64) async throws -> Void
    ) async throws {
        let stream = try await spool.follow(.control, from: .offsets([0: after.map { $0 + 1 } ?? 0]))
        defer { stream.close() }
        let now = Timestamp.now()
        var left = limit
        while left > 0 {
            let records = try await stream.next(wait: false)
            if records.isEmpty { return }
            for record in records where left > 0 && filter.mayTake(record.key) {
                // What cannot be read suppresses nothing; the node that met it said so.
                guard case .insert(let suppression)? = try? SuppressionChange(record), !suppression.isExpired(at: now),
                    filter.takes(suppression)
                else { continue }
                left -= 1
                try await body(suppression, record.position.offset)
            }
        }
    }

    /// Writes tombstones for entries that ended by themselves more than an hour ago.
    ///
    /// - Parameter isInForce: Asked right before: an entry may have been renewed meanwhile.
    /// - Returns: Entries that were ended.
    @discardableResult
    package func removeExpired(
        at now: Timestamp, unless isInForce: (SuppressionKey) -> Bool
    ) async throws(SpoolError) -> Int {
        let old = Mutex<[SuppressionKey]>([])
        let before = now + .seconds(-3600)
        try await spool.replay(.control, partition: 0) { records in
            let keys = records.compactMap { record -> SuppressionKey? in
                // As above.
                guard case .insert(let suppression)? = try? SuppressionChange(record),
                    suppression.isExpired(at: before)
                else { return nil }
                return suppression.key
            }
            old.withLock { $0 += keys }
        }
        var (rest, removed) = (old.withLock { $0 }[...], 0)
        while !rest.isEmpty {
            let keys = rest.prefix(500).filter { !isInForce($0) }
            rest = rest.dropFirst(500)
            try await remove(keys)
            removed += keys.count
        }
        return removed
    }
}

/// Which entries are meant: all that match every given field.
package struct SuppressionFilter: Equatable, Sendable {
    package var target: SuppressionTarget?
    /// Of the mailbox, or the one that is suppressed.
    package var domain: Domain?
    package var tenant: String?
    package var source: Suppression.Source?

    package init() {}

    package var isEmpty: Bool { self == SuppressionFilter() }

    /// A look at the key of a record that spares most the reading: a target ends in its domain.
    func mayTake(_ key: String) -> Bool { (domain ?? target?.domain).map { key.hasSuffix($0.name) } ?? true }

    package func takes(_ suppression: Suppression) -> Bool {
        (target.map { $0 == suppression.key.target } ?? true)
            && (domain.map { $0 == suppression.key.target.domain } ?? true)
            && (tenant.map { $0 == suppression.key.tenant } ?? true)
            && (source.map { $0 == suppression.source } ?? true)
    }
}
