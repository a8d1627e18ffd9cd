import Foundation
import MailTestKit
import Synchronization

/// Clients that send numbered messages over kept connections until they are told to stop, on threads of their own.
///
/// Each message carries its number in `X-Unique-ID`. A connection that breaks is made anew, so that a node may die
/// under the load; what was not answered 250 is not counted.
final class Load: Sendable {
    private struct State {
        var accepted: [String] = []
        var refused = 0
        var number = 0
        var running = 0
        var mustStop = false
    }

    private let state = Mutex(State())
    private let port: Int
    private let recipient: @Sendable (Int) -> String
    private let body: String
    private let limit: Int
    private let pause: UInt32

    /// - Parameters:
    ///   - limit: Messages in all.
    ///   - pause: Microseconds between two messages of a connection.
    init(
        to port: Int, connections: Int, limit: Int = .max, size: Int = 2000, pause: UInt32 = 0,
        recipient: @escaping @Sendable (Int) -> String
    ) {
        (self.port, self.recipient, self.limit, self.pause) = (port, recipient, limit, pause)
        body = String(repeating: String(repeating: "x", count: 78) + "\r\n", count: max(1, size / 80))
        state.withLock { $0.running = connections }
        for _ in 0..<connections {
            Thread.detachNewThread { [self] in
                while sendUntilItBreaks() { usleep(20_000) }
                state.withLock { $0.running -= 1 }
            }
        }
    }

    /// Numbers answered 250.
    var accepted: [String] { state.withLock(\.accepted) }
    var refused: Int { state.withLock(\.refused) }
    var isRunning: Bool { state.withLock { $0.running > 0 } }

    func stop() async throws {
        state.withLock { $0.mustStop = true }
        try await finish()
    }

    /// Waits until the limit is reached.
    func finish(timeout: Duration = patience) async throws {
        try await wait(until: "the clients are done", timeout: timeout) { !isRunning }
    }

    private func next() -> Int? {
        state.withLock { state in
            guard !state.mustStop, state.number < limit else { return nil }
            state.number += 1
            return state.number - 1
        }
    }

    /// - Returns: Whether there is more to send.
    private func sendUntilItBreaks() -> Bool {
        // A node that is down ends this connection; the next one tries again.
        guard let client = try? SMTPClient(to: port) else { return !state.withLock(\.mustStop) }
        defer { client.quit() }
        while let number = next() {
            let id = "id-\(number)"
            let content =
                "From: a@src.test\r\nSubject: \(id)\r\nMessage-ID: <\(id)@src.test>\r\nX-Unique-ID: \(id)\r\n\r\n"
            guard
                let reply = try? client.send(from: "a@src.test", to: [recipient(number)], content: content + body)
            else { return true }
            state.withLock { state in
                if reply.code == 250 { state.accepted.append(id) } else { state.refused += 1 }
            }
            if pause > 0 { usleep(pause) }
        }
        return false
    }
}

extension Peer {
    /// How often each `X-Unique-ID` came.
    var uniqueIDs: [String: Int] {
        transactions.reduce(into: [:]) { counts, transaction in
            counts[transaction.field("X-Unique-ID") ?? "", default: 0] += 1
        }
    }
}
