import DeliveryPolicy
import MailModel
import Spool
import Synchronization

/// The suppression list as this node knows it: filled from `control` before the first attempt, then kept up to date.
///
/// The dispatcher asks it before it places a message, lanes before they begin one, on their loops; one task fills it.
final class SuppressionBook: Sendable {
    private struct State {
        var set = SuppressionSet()
        /// Records of `control` below this offset are in the set.
        var end: Int64 = 0
        var waiters: [Waiter] = []
    }

    private struct Waiter {
        let offset: Int64
        let number: UInt64
        let continuation: CheckedContinuation<Bool, Never>
    }

    private let state = Mutex(State())
    private let size = Atomic(0)
    private let lastWaiter = Atomic<UInt64>(0)

    var count: Int { size.load(ordering: .relaxed) }

    // MARK: Asking

    func match(_ mailbox: Mailbox, tenant: String?, at now: Timestamp = .now()) -> SuppressionSet.Match? {
        if count == 0 { return nil }
        return state.withLock { $0.set.match(mailbox, tenant: tenant, at: now) }
    }

    /// What mail to a target would meet.
    func match(_ key: SuppressionKey, at now: Timestamp = .now()) -> SuppressionSet.Match? {
        state.withLock { $0.set.match(key, at: now) }
    }

    func entry(_ key: SuppressionKey, at now: Timestamp = .now()) -> SuppressionSet.Match? {
        state.withLock { $0.set.entry(key, at: now) }
    }

    /// Whether mail to any of these recipients is not to be sent.
    func suppresses(anyOf recipients: some Sequence<Recipient>, tenant: String?) -> Bool {
        if count == 0 { return false }
        let now = Timestamp.now()
        return state.withLock { state in
            recipients.contains { state.set.match($0.mailbox, tenant: tenant, at: now) != nil }
        }
    }

    // MARK: Filling

    /// Takes the place of all that was known.
    ///
    /// - Parameter end: Every record of `control` below it is in the set.
    func replace(with set: consuming SuppressionSet, end: Int64) {
        let set = set
        change { state in
            state.set = set
            state.end = end
        }
    }

    /// Takes records of `control` in the order of the log; those that are no suppressions are passed over.
    func apply(_ records: [StoredRecord], unreadable: (String, SpoolError) -> Void) {
        guard let last = records.last else { return }
        // After a start the day before is read once more, for commands; the set may know better already.
        let end = state.withLock { $0.end }
        var changes: [SuppressionChange] = []
        for record in records where record.position.offset >= end {
            do throws(SpoolError) {
                guard let change = try SuppressionChange(record) else { continue }
                changes.append(change)
            } catch {
                unreadable(record.key, error)
            }
        }
        change { state in
            for change in changes { change.apply(to: &state.set) }
            state.end = max(state.end, last.position.offset + 1)
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let done = state.withLock { state in
            body(&state)
            size.store(state.set.count, ordering: .relaxed)
            guard !state.waiters.isEmpty else { return [Waiter]() }
            let done = state.waiters.filter { $0.offset < state.end }
            if !done.isEmpty { state.waiters.removeAll { $0.offset < state.end } }
            return done
        }
        for waiter in done { waiter.continuation.resume(returning: true) }
    }

    // MARK: Waiting

    /// Waits until the record at an offset of `control` counts for attempts that begin.
    ///
    /// - Returns: False when it took longer than `limit`.
    func isInForce(offset: Int64, within limit: Duration) async -> Bool {
        let number = lastWaiter.wrappingAdd(1, ordering: .relaxed).newValue
        let timer = Task {
            // Cancelled, the wait is over already.
            guard (try? await Task.sleep(for: limit)) != nil else { return }
            self.giveUp(number)
        }
        defer { timer.cancel() }
        return await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if offset < state.end { return true }
                state.waiters.append(Waiter(offset: offset, number: number, continuation: continuation))
                return false
            }
            if isThere { continuation.resume(returning: true) }
        }
    }

    private func giveUp(_ number: UInt64) {
        let waiter = state.withLock { state -> Waiter? in
            guard let index = state.waiters.firstIndex(where: { $0.number == number }) else { return nil }
            return state.waiters.remove(at: index)
        }
        waiter?.continuation.resume(returning: false)
    }
}

/// What a record of `control` does to the list.
enum SuppressionChange {
    case insert(Suppression)
    case remove(SuppressionKey)

    /// - Returns: `nil` for a record that is no suppression.
    init?(_ record: StoredRecord) throws(SpoolError) {
        guard record.key.hasPrefix(SuppressionKey.prefix) else { return nil }
        guard let value = record.value else {
            guard let key = SuppressionKey(record.key) else {
                throw SpoolError(.corrupt, "a tombstone of a suppression with an unreadable key")
            }
            self = .remove(key)
            return
        }
        guard case .suppression(let suppression) = try ControlRecord(decoding: value) else {
            throw SpoolError(.corrupt, "a record with the key of a suppression holds something else")
        }
        self = .insert(suppression)
    }

    func apply(to set: inout SuppressionSet) {
        switch self {
        case .insert(let suppression): set.insert(suppression)
        case .remove(let key): set.remove(key)
        }
    }
}
