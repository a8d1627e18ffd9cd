/// How many connections a lane may have, and how fast it may open them: up on success, down on trouble.
package struct LanePacing: Sendable {
    package struct Configuration: Equatable, Sendable {
        /// Connections a lane begins with.
        package var start = 2
        package var ceiling = 10
        /// Messages taken by the host for one connection more; each further one needs as many again.
        package var successesPerStep = 20
        package var messagesPerConnection = 100
        /// Over any window: never more, with no burst beyond; all at once if need be. `nil`: without a limit.
        package var connections: Int? = 100
        package var connectionWindow = Duration.seconds(60)
        /// Connections that fail together are one trouble, not several.
        package var troubleInterval = Duration.seconds(5)

        package init() {}
    }

    package enum Answer: Equatable, Sendable {
        case yes
        /// As many as allowed are open: ask again when one closed or succeeded.
        case enough
        /// The rate of connections is reached.
        case later(MonotonicTime)
    }

    package private(set) var configuration: Configuration
    /// Connections allowed at this time.
    package private(set) var allowance: Int
    package private(set) var open = 0
    private var successes = 0
    private var lastTrouble: MonotonicTime?
    private var window: SlidingWindow?

    package init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
        allowance = max(1, min(configuration.start, configuration.ceiling))
        window = configuration.connections.map { SlidingWindow(count: $0, per: configuration.connectionWindow) }
    }

    /// Keeps what was learned within the new bounds, and counts connections opened before against the new rate.
    package mutating func reconfigure(_ new: Configuration) {
        window = new.connections.map { SlidingWindow(count: $0, per: new.connectionWindow, after: window) }
        configuration = new
        allowance = max(1, min(max(allowance, new.start), new.ceiling))
    }

    package func mayOpen(now: MonotonicTime) -> Answer {
        if open >= allowance { return .enough }
        return window?.wait(now: now).map { .later($0) } ?? .yes
    }

    /// A connection attempt starts.
    package mutating func opened(now: MonotonicTime) {
        open += 1
        window?.record(now)
    }

    /// A connection ended, or its attempt failed.
    package mutating func closed() { open = max(0, open - 1) }

    /// After trouble the lane shrinks below what is open: a connection that is free and too many closes.
    package var hasTooMany: Bool { open > allowance }

    package func mayReuse(afterMessages sent: Int) -> Bool {
        sent < configuration.messagesPerConnection && !hasTooMany
    }

    /// The host took a message.
    package mutating func succeeded() {
        guard allowance < configuration.ceiling else { return }
        successes += 1
        if successes >= max(1, configuration.successesPerStep) {
            successes = 0
            allowance += 1
        }
    }

    /// The host showed that it has enough (`Disposition.Effects.slowLane`).
    package mutating func trouble(now: MonotonicTime) {
        successes = 0
        if let lastTrouble, now < lastTrouble + configuration.troubleInterval { return }
        lastTrouble = now
        allowance = max(1, allowance / 2)
    }
}
