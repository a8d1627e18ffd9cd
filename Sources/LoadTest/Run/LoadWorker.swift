import NIOCore

/// One of the connections of a run: at most one open at a time, and at most one message under way. Lives on one loop.
final class LoadWorker {
    /// After a connection that could not be made: a server that is down is not to be hammered at.
    private static let pause = TimeAmount.milliseconds(100)

    let loop: LoadLoop
    private(set) var connection: LoadConnection?
    private var current: (message: LoadMessage, due: Int64)?
    /// MAIL of the current message was sent.
    private var isBegun = false
    /// The connection was once ready for a message.
    private var wasReady = false
    /// Messages of this connection.
    private var count = 0

    init(_ loop: LoadLoop) { self.loop = loop }

    /// - Parameter due: Nanoseconds of `Uptime`.
    func take(_ message: LoadMessage, due: Int64) {
        current = (message, due)
        isBegun = false
        guard let connection else { return open() }
        // One that is closing tells when it is closed.
        if connection.isIdle { begin(on: connection) }
    }

    private func open() {
        count = 0
        wasReady = false
        loop.results.connections += 1
        let new = LoadConnection(self)
        connection = new
        new.connect()
    }

    /// Ends an idle connection.
    func close() { connection?.quit() }

    func abort() {
        connection?.abort(LoadFailure(.connect, .interrupted, "the run was ended"))
    }

    private func begin(on connection: LoadConnection) {
        guard let current else { return connection.quit() }
        isBegun = true
        connection.begin(current.message, due: current.due)
    }

    // What the connection tells.

    func ready() {
        wasReady = true
        if let connection { begin(on: connection) }
    }

    func finished(_ outcome: LoadOutcome, now: Int64) {
        guard let due = current?.due else { return }
        current = nil
        count += 1
        loop.finished(outcome, total: now - due, now: now)
        // With QUIT the worker is free when the connection is closed.
        if count == loop.configuration.messagesPerConnection { connection?.quit() } else { loop.free(self) }
    }

    /// - Parameter failure: `nil` after QUIT, and where the server ended an idle connection.
    func ended(_ failure: LoadFailure?) {
        connection = nil
        let wasQuitting = current == nil && count > 0 && count == loop.configuration.messagesPerConnection
        if current != nil, wasReady, !isBegun {
            // It was closed while idle, as the message was given to it.
            open()
        } else if current != nil {
            current = nil
            let failure = failure ?? LoadFailure(.mail, .lost, "the server ended the session")
            loop.failed(failure)
            guard failure.stage == .connect, failure.kind != .interrupted else { return loop.free(self) }
            loop.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { self.loop.free(self) }
        } else if wasQuitting {
            loop.free(self)
        } else {
            loop.closed()
        }
    }
}
