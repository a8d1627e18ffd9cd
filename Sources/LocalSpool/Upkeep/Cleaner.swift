internal import Logging
internal import MailModel
internal import Spool
internal import Synchronization

/// What a cleaning removed.
package struct CleaningReport: Equatable, Sendable {
    package var mail = 0
    package var events = 0
    package var limits = 0
    package var tombstones = 0

    package init(mail: Int = 0, events: Int = 0, limits: Int = 0, tombstones: Int = 0) {
        (self.mail, self.events, self.limits, self.tombstones) = (mail, events, limits, tombstones)
    }
}

/// Removes what nobody needs any more, in small transactions between the commits of others.
///
/// A `mail` record goes when it is older than the replay window, every group has finished it, and no `schedule` entry
/// refers to it. Events and limit records go by age alone, tombstones an hour after they were written.
struct Cleaner: Sendable {
    let configuration: LocalSpoolConfiguration
    let writer: Writer
    let readers: ReaderPool
    let committed: CommittedPositions

    /// Rows a transaction removes: a few milliseconds of the writer's time.
    private static let slice = 500

    func clean(now: Timestamp) async throws(SpoolError) -> CleaningReport {
        var report = CleaningReport()
        report.mail = try await clean(
            .mail, before: now - configuration.keepDelivered, finished: committed.finished(.mail))
        report.events = try await clean(.events, before: now - configuration.keepEvents, finished: nil)
        for topic in [Topic.limitRequests, .limitGrants] {
            report.limits += try await clean(topic, before: now - configuration.keepLimits, finished: nil)
        }
        for topic in Topic.allCases where topic.isCompacted {
            report.tombstones += try await cleanTombstones(topic, before: now - configuration.keepTombstones)
        }
        return report
    }

    private func clean(
        _ topic: Topic, before time: Timestamp, finished: [Int64]?
    ) async throws(SpoolError) -> Int {
        // The reference is looked at once more by the statement that removes: an entry may have come in between.
        let unless =
            topic == .mail ? " AND NOT EXISTS (SELECT 1 FROM schedule WHERE reference = ?1)" : ""
        let sql = "DELETE FROM \(Schema.table(topic)) WHERE id = ?1" + unless
        var removed = 0
        var next: Int64? = 0
        while let start = next {
            let found = try await readers.perform { reader throws(SpoolError) in
                try reader.candidates(topic, before: time, finished: finished, from: start, limit: Self.slice)
            }
            removed += try await remove(found.ids, of: topic, sql)
            next = found.resume
        }
        return removed
    }

    private func cleanTombstones(_ topic: Topic, before time: Timestamp) async throws(SpoolError) -> Int {
        let sql = "DELETE FROM \(Schema.table(topic)) WHERE id = ?1 AND value IS NULL"
        var removed = 0
        while true {
            let ids = try await readers.perform { reader throws(SpoolError) in
                try reader.endedKeys(topic, before: time, limit: Self.slice)
            }
            if ids.isEmpty { return removed }
            removed += try await remove(ids, of: topic, sql)
        }
    }

    private func remove(_ ids: [Int64], of topic: Topic, _ sql: String) async throws(SpoolError) -> Int {
        if ids.isEmpty { return 0 }
        let result: Result<Int, SpoolError> = await withCheckedContinuation { continuation in
            let isTaken = writer.run { commit in
                do throws(SpoolError) {
                    continuation.resume(returning: .success(try commit.remove(ids, of: topic, sql: sql)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if !isTaken { continuation.resume(returning: .failure(SpoolError(.closed, "the spool is closed"))) }
        }
        return try result.get()
    }
}

/// Cleanings in the background, one at a time.
final class CleaningTask: Sendable {
    private let cleaner: Cleaner
    private let logger: Logger
    private let isRunning = Atomic(false)

    init(cleaner: Cleaner, logger: Logger) {
        self.cleaner = cleaner
        self.logger = logger
    }

    /// Does nothing while one still runs.
    func start() {
        guard !isRunning.exchange(true, ordering: .acquiringAndReleasing) else { return }
        Task {
            do throws(SpoolError) {
                _ = try await cleaner.clean(now: .now())
            } catch {
                if error.code != .closed {
                    logger.warning("cleaning the spool failed", metadata: ["error": "\(error)"])
                }
            }
            isRunning.store(false, ordering: .releasing)
        }
    }
}

extension Timestamp {
    fileprivate static func - (moment: Timestamp, duration: Duration) -> Timestamp {
        Timestamp(milliseconds: moment.milliseconds - duration.wholeMilliseconds)
    }
}
