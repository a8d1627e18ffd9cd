package import NIOCore

/// What a run does.
package struct LoadConfiguration: Sendable {
    package var address: SocketAddress
    /// For SNI; `nil` where the server is named by its address (RFC 6066 §3).
    package var serverName: String?
    package var plan: LoadPlan
    package var session: LoadSession.Options
    package var connections = 1
    /// Messages of one connection; `nil` keeps it.
    package var messagesPerConnection: Int?
    /// An open loop, or a closed one.
    package var schedule: LoadSchedule?
    /// One of the two ends the run.
    package var messages: Int?
    /// Nanoseconds.
    package var duration: Int64?
    /// Longest wait for a reply, and for the connection, in nanoseconds.
    package var timeout: Int64 = 60_000_000_000
    /// Keeps which recipients were accepted (`LoadResults.acceptedSlots`).
    package var tracksAccepted = false
    /// A `Date` field body of now; asked once a second by each event loop.
    package var date: @Sendable () -> String
    /// Microseconds since 1970.
    package var wallClock: @Sendable () -> Int64

    package init(
        address: SocketAddress, plan: LoadPlan, session: LoadSession.Options, date: @escaping @Sendable () -> String,
        wallClock: @escaping @Sendable () -> Int64
    ) {
        self.address = address
        self.plan = plan
        self.session = session
        self.date = date
        self.wallClock = wallClock
    }

    /// Messages that are due before the run ends by its duration; `nil` in a closed loop without a number.
    package var due: Int? {
        guard let schedule, let duration else { return messages }
        return min(messages ?? .max, schedule.count(before: duration))
    }
}

/// The clock of all measurements.
enum Uptime {
    /// Nanoseconds.
    static var now: Int64 { Int64(NIODeadline.now().uptimeNanoseconds) }
}
