import DeliveryPolicy
import DequeModule
import Logging
import MailModel
import MessageFormat
import NIOCore
import Spool

extension Dispatcher {
    /// Asks for a DSN about recipients that have failed: an entry first, in the transaction of their outcome.
    ///
    /// Never about a message with the null reverse-path (RFC 3464 §2), nor against NOTIFY (RFC 3461 §4.1).
    func requestNotice(of settlement: Settlement, _ message: QueuedMessage) {
        let told = settlement.failed.filter { $0.recipient.wantsFailureNotice }
        guard message.entry.failureDSN, message.entry.reversePath != .null, !told.isEmpty else { return }
        var entry = message.entry
        entry.recipients = told
        entry.isNotice = true
        entry.remoteHost = settlement.remoteHost
        entry.lastAttempt = settlement.attempted ?? entry.lastAttempt ?? .now()
        // An end without an attempt gets the number of the attempt it took the place of.
        let attempts = told.reduce(0) { max($0, $1.attempts) }
        let attempt = settlement.noticeNumber ?? (settlement.attempted == nil ? attempts + 1 : attempts)
        let key = ScheduleKey.notice(entry.queueID, part: entry.part, attempt: attempt)
        batch.add(SpoolRecord(entry, key: key, partition: message.partition), partition: message.partition)
        batch.notices.append(
            PendingNotice(key: key, partition: message.partition, epoch: message.epoch, entry: entry))
    }

    /// Puts a DSN into `mail`, then ends its entry. A crash in between repeats the DSN, never loses it.
    func write(_ notice: PendingNotice) {
        notices.append(notice)
        writeNotices()
    }

    /// A bounded number at a time: after a take-over there may be very many.
    private func writeNotices() {
        while noticesInWork < 32, let notice = notices.popFirst() {
            noticesInWork += 1
            compose(notice)
        }
    }

    private func compose(_ notice: PendingNotice) {
        Task { [spool, settings, loop] in
            var content: ByteBuffer?
            do {
                let position = Position(partition: notice.partition, offset: notice.entry.offset)
                if let record = try await spool.read([position], of: .mail)[0] {
                    let original = try MessageRecord(record)
                    if original.queueID == notice.entry.queueID { content = original.content }
                }
            } catch {
                // The DSN says what failed also without the message it is about.
                self.logger.warning("a DSN goes out without its original", metadata: ["error": "\(error)"])
            }
            let message = NoticeMessage.make(notice, original: content, settings: settings)
            spool.append([SpoolRecord(message)]) { result in
                loop.execute { self.noticeWritten(notice, result.map { _ in }) }
            }
        }
    }

    private func noticeWritten(_ notice: PendingNotice, _ result: Result<Void, SpoolError>) {
        noticesInWork -= 1
        defer { writeNotices() }
        switch result {
        case .success:
            guard partitions[notice.partition]?.epoch == notice.epoch else { return }
            batch.add(SpoolRecord(ending: notice.key, partition: notice.partition), partition: notice.partition)
            planTurn()
        case .failure(let error):
            logger.error("a DSN cannot be written now; trying again", metadata: ["error": "\(error)"])
            loop.scheduleTask(in: .seconds(5)) { [self] in
                if partitions[notice.partition]?.epoch == notice.epoch, !isStopping { write(notice) }
            }
        }
    }
}
