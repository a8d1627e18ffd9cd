import Synchronization

/// Which message one event loop begins next, and when it is due. Asks no clock.
struct LoadSource {
    enum Turn: Equatable {
        case message(Int, due: Int64)
        /// Nothing before this moment.
        case later(Int64)
        case none
    }

    /// Numbers of a closed loop, shared by all event loops.
    final class Counter: Sendable {
        private let next = Atomic<Int>(0)
        func take() -> Int { next.wrappingAdd(1, ordering: .relaxed).oldValue }
    }

    /// A message due before the end may begin so much later: the last ones of a good run are late by a little, too.
    static let grace: Int64 = 250_000_000

    private let schedule: LoadSchedule?
    private let counter: Counter
    private let messages: Int
    private let duration: Int64
    private let stride: Int
    /// The next of a schedule: with several event loops each has every n-th.
    private var number: Int

    /// - Parameters:
    ///   - schedule: `nil` for a closed loop.
    ///   - duration: Nanoseconds; what is not begun by then never is.
    ///   - index: Of the event loop.
    init(
        _ schedule: LoadSchedule?, counter: Counter, messages: Int?, duration: Int64?, index: Int, of loops: Int
    ) {
        self.schedule = schedule
        self.counter = counter
        self.messages = messages ?? .max
        self.duration = duration ?? .max
        stride = loops
        number = index
    }

    /// - Parameter now: Nanoseconds from the start.
    mutating func next(now: Int64) -> Turn {
        guard let schedule else {
            guard now < duration else { return .none }
            let number = counter.take()
            return number < messages ? .message(number, due: now) : .none
        }
        guard number < messages, now - Self.grace < duration else { return .none }
        let due = schedule.due(number)
        guard due < duration else { return .none }
        guard due <= now else { return .later(due) }
        defer { number += stride }
        return .message(number, due: due)
    }
}
