package import NIOCore
import Synchronization

/// What arrived of one run.
package struct RunArrivals: Sendable {
    /// Recipients a message of this run has.
    package let recipients: Int
    /// Deliveries to a recipient, the repeated ones too.
    package private(set) var received = 0
    package private(set) var slots = SlotSet()
    /// From the moment a message was due to its arrival, in nanoseconds; of first arrivals only.
    package private(set) var latencies = Latencies()

    package init(recipients: Int) { self.recipients = recipients }

    package var unique: Int { slots.count }
    package var repeated: Int { received - slots.count }
    /// Messages up to the highest that came, with those that did not.
    package var messages: Int { slots.highest < 0 ? 0 : slots.highest / recipients + 1 }
    /// Recipients of those messages that nothing came for.
    package var missing: Int { messages * recipients - slots.count }

    /// Numbers of messages, some recipient of which nothing came for.
    package func missingRanges(limit: Int) -> SlotRanges {
        slots.gaps(below: messages * recipients, ofGroups: recipients, limit: limit)
    }

    mutating func add(slot: Int, latency: Int64) {
        received += 1
        if slots.insert(slot) { latencies.record(latency) }
    }
}

/// Counts the messages of load tests where they arrive, by run. Used from all loops.
package final class ArrivalBook: Sendable {
    /// Runs counted; what is of more is not.
    package static let runLimit = 100
    /// Pieces of slot sets, 8 KiB each, of all runs.
    fileprivate static let pieceLimit = 32_768

    fileprivate struct State {
        var runs: [String: RunArrivals] = [:]
        /// In the order they appeared.
        var order: [String] = []
        var pieces = 0
        var uncounted = 0
        var last: Int64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Counts a message if it is one of a run.
    ///
    /// - Parameters:
    ///   - locals: Local parts of the recipients it came for.
    ///   - now: Microseconds since 1970.
    package func add(_ content: ByteBuffer, locals: some Sequence<String>, now: Int64) {
        guard let field = BenchField(in: content) else { return }
        state.withLock { state in
            state.last = now
            for local in locals {
                let index = BenchField.index(inLocalPart: local) ?? 0
                state.add(field, index, now)
            }
        }
    }

    package var runs: [(run: String, arrivals: RunArrivals)] {
        state.withLock { state in state.order.compactMap { run in state.runs[run].map { (run, $0) } } }
    }

    package func arrivals(of run: String) -> RunArrivals? { state.withLock { $0.runs[run] } }

    /// Unique arrivals of a run so far.
    package func unique(of run: String) -> Int { state.withLock { $0.runs[run]?.unique ?? 0 } }

    /// Deliveries that no place was left for: of runs or recipients beyond the limits.
    package var uncounted: Int { state.withLock(\.uncounted) }

    /// When the last message of any run came, in microseconds since 1970; 0 while none did.
    package var last: Int64 { state.withLock(\.last) }
}

extension ArrivalBook.State {
    fileprivate mutating func add(_ field: BenchField, _ index: Int, _ now: Int64) {
        if runs[field.run] == nil, runs.count < ArrivalBook.runLimit {
            runs[field.run] = RunArrivals(recipients: field.recipients)
            order.append(field.run)
        }
        guard let slot = slot(field, index) else {
            uncounted += 1
            return
        }
        runs[field.run]?.add(slot: slot, latency: max(0, now - field.time) * 1000)
    }

    /// `nil` where no place is left, or the message does not fit those of its run.
    private mutating func slot(_ field: BenchField, _ index: Int) -> Int? {
        guard let run = runs[field.run], run.recipients == field.recipients, (0..<field.recipients).contains(index)
        else {
            return nil
        }
        let slot = field.number * field.recipients + index
        guard slot < SlotSet.limit else { return nil }
        if !run.slots.hasPiece(for: slot) {
            guard pieces < ArrivalBook.pieceLimit else { return nil }
            pieces += 1
        }
        return slot
    }
}
