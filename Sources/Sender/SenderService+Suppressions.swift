import DeliveryPolicy
import Logging
import MailModel
import Spool

extension SenderService {
    /// Reads the whole list; before the first attempt, and after the log could not be followed.
    func loadSuppressions() async throws(SpoolError) {
        let (set, end) = try await SuppressionList(spool: spool).load { [self] in unreadable($0, $1) }
        let count = set.count
        suppressions.replace(with: set, end: end)
        if count > 0 { logger.info("the suppression list is loaded", metadata: ["entries": "\(count)"]) }
    }

    func apply(suppressions records: [StoredRecord]) {
        suppressions.apply(records) { unreadable($0, $1) }
    }

    private func unreadable(_ key: String, _ error: SpoolError) {
        logger.critical(
            "a suppression cannot be read and does not count", metadata: ["key": "\(key)", "error": "\(error)"])
        metrics.setAside(.control)
    }

    /// Ends entries whose time is over, once a day: until then they only take room.
    func sweepSuppressions() async {
        var wait: Duration = .seconds(600)
        while true {
            // Cancelled, it ends.
            guard (try? await Task.sleep(for: wait)) != nil else { return }
            wait = .seconds(86_400)
            do {
                let ended = try await SuppressionList(spool: spool).removeExpired(at: .now()) { [suppressions] key in
                    suppressions.entry(key) != nil
                }
                if ended > 0 { logger.info("suppressions have expired", metadata: ["entries": "\(ended)"]) }
            } catch {
                if error.code == .closed { return }
                logger.warning("expired suppressions cannot be ended now", metadata: ["error": "\(error)"])
            }
        }
    }
}
