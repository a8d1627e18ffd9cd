import NIOCore

/// The one time limit of a connection: a moment that moves with each step, and a timer that looks at it now and then.
///
/// The moment moves several times a message, which costs a comparison; the timer is set anew once in `tick`, or when
/// the moment comes to lie clearly before it. So a limit is kept to within a quarter of itself. Lives on one loop.
final class DeadlineTimer {
    private static let tick = TimeAmount.seconds(15)

    /// Called when the moment has come.
    var onExpiry: () -> Void = {}
    private let loop: any EventLoop
    private var deadline: NIODeadline?
    private var progress: UInt64?
    private var due: NIODeadline?
    private var task: Scheduled<Void>?

    init(_ loop: any EventLoop) { self.loop = loop }

    /// Counts `limit` from now if there was progress since the last call; `nil` takes the limit away.
    func renew(_ limit: TimeAmount?, progress: UInt64) {
        guard let limit else {
            deadline = nil
            return
        }
        guard deadline == nil || self.progress != progress else { return }
        self.progress = progress
        let now = NIODeadline.now()
        let moment = now + limit
        deadline = moment
        if let due, due <= moment + .nanoseconds(limit.nanoseconds / 4) { return }
        task?.cancel()
        schedule(at: min(moment, now + Self.tick))
    }

    func stop() {
        deadline = nil
        due = nil
        task?.cancel()
        task = nil
        onExpiry = {}
    }

    private func schedule(at moment: NIODeadline) {
        due = moment
        task = loop.assumeIsolated().scheduleTask(deadline: moment) { self.fired() }
    }

    private func fired() {
        due = nil
        guard let deadline else { return }
        let now = NIODeadline.now()
        if now >= deadline { return onExpiry() }
        schedule(at: min(deadline, now + Self.tick))
    }
}
