import DequeModule
import MailModel
import NIOCore
import SMTPProtocol
import Synchronization

/// Sessions that one operator watches: which, how many attempts, and the lines that wait to be read.
///
/// Written to by the loops of the lanes, which never wait: what a slow reader leaves no room for is counted and lost.
final class SessionWatch: Sendable {
    /// Attempts to be shown; all that is given has to fit.
    struct Selector: Sendable {
        var site: String?
        var source: String?
        var domain: String?
        var queueID: QueueID?

        var isEmpty: Bool { site == nil && source == nil && domain == nil && queueID == nil }

        func covers(_ lane: LaneKey) -> Bool {
            (site == nil || site == lane.site) && (source == nil || source == lane.source)
        }

        func covers(_ order: Order) -> Bool {
            (queueID == nil || queueID == order.key.queueID)
                && (domain == nil || domain == order.transaction.recipients.first?.mailbox.domain.name)
        }
    }

    enum End: String, Sendable {
        case attempts = "all attempts were shown"
        case time = "the time is over"
        case stopping = "the sender is stopping"
    }

    /// What may wait for the reader.
    static let lineLimit = 1000
    static let octetLimit = 512 * 1024

    let selector: Selector
    private let state: Mutex<State>
    private let wake: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation

    private struct State {
        var lines: Deque<ByteBuffer> = []
        var octets = 0
        /// Since the last line that was kept.
        var lost = 0
        var sessions = 0
        /// Attempts still to begin, and those that run.
        var left: Int
        var running = 0
        /// Connections shown while they are opened; some mail may come over them.
        var openings = 0
        var end: End?
    }

    init(_ selector: Selector, attempts: Int) {
        self.selector = selector
        state = Mutex(State(left: attempts))
        (wake, waker) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    // MARK: For lanes

    /// - Returns: A number for a session that will be shown; `nil` where no more are wanted.
    func beginSession() -> Int? {
        state.withLock { state in
            guard state.end == nil, state.left > 0 else { return nil }
            state.sessions += 1
            return state.sessions
        }
    }

    /// A connection that is about to be opened; not more of them than attempts are wanted.
    func beginOpening() -> Int? {
        state.withLock { state in
            guard state.end == nil, state.openings < state.left else { return nil }
            state.openings += 1
            state.sessions += 1
            return state.sessions
        }
    }

    func endOpening() { state.withLock { $0.openings -= 1 } }

    func beginAttempt() -> Bool {
        state.withLock { state in
            guard state.end == nil, state.left > 0 else { return false }
            state.left -= 1
            state.running += 1
            return true
        }
    }

    func endAttempt() {
        let isOver = state.withLock { state in
            state.running -= 1
            return state.left == 0 && state.running == 0
        }
        if isOver { end(.attempts) }
    }

    /// - Parameter line: JSON without a line end.
    func write(_ line: ByteBuffer) {
        state.withLock { state in
            guard state.end == nil else { return }
            guard state.lines.count < Self.lineLimit, state.octets + line.readableBytes <= Self.octetLimit else {
                state.lost += 1
                return
            }
            noteLost(&state)
            state.lines.append(line)
            state.octets += line.readableBytes
        }
        waker.yield()
    }

    func end(_ end: End) {
        state.withLock { state in
            if state.end == nil { state.end = end }
        }
        waker.yield()
    }

    private func noteLost(_ state: inout State) {
        guard state.lost > 0 else { return }
        state.lines.append(SessionLine.lost(state.lost))
        state.lost = 0
    }

    // MARK: For the reader

    /// Hands over lines as they come, in pieces, until the watch has ended; nothing at least every other second, so
    /// that a reader who went away is noticed.
    func read(_ take: ([ByteBuffer]) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { [waker] in
                while true {
                    try await Task.sleep(for: .seconds(2))
                    waker.yield()
                }
            }
            defer { tasks.cancelAll() }
            for await _ in wake {
                let (lines, end) = takeLines()
                try await take(lines)
                guard let end else { continue }
                return try await take([SessionLine.end(end)])
            }
            try Task.checkCancellation()
        }
    }

    private func takeLines() -> ([ByteBuffer], End?) {
        state.withLock { state in
            noteLost(&state)
            defer { (state.lines, state.octets) = ([], 0) }
            return (Array(state.lines), state.end)
        }
    }
}
