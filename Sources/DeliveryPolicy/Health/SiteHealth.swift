/// Whether a site, or a lane to it, is dead: several attempts in a row found no host that would talk.
///
/// A dead one gets one probe at a time; everything else for it waits and says until when.
package struct SiteHealth: Sendable {
    private let backOff: BackOff
    private let failuresUntilDead: Int
    private var failuresInRow = 0
    private var gate = ProbeGate()

    /// - Parameter failuresUntilDead: Attempts in a row that failed on all hosts, while the site counts as alive.
    package init(backOff: BackOff = BackOff(), failuresUntilDead: Int = 3) {
        self.backOff = backOff
        self.failuresUntilDead = max(1, failuresUntilDead)
    }

    package var isDead: Bool { gate.failures > 0 }

    /// Asks for an attempt. `.probe` must be answered by `failed`, `succeeded` or `abandoned`.
    package mutating func use(now: MonotonicTime) -> Usability { gate.use(now) }

    /// What `use` would say, without taking the probe.
    package func usability(now: MonotonicTime) -> Usability { gate.usability(now) }

    /// No host of the site could be talked to.
    package mutating func failed(now: MonotonicTime) {
        failuresInRow += 1
        if isDead || failuresInRow >= failuresUntilDead { gate.failed(now, backOff) }
    }

    /// A host answered, whatever it thought of the message.
    package mutating func succeeded() {
        failuresInRow = 0
        gate = ProbeGate()
    }

    package mutating func abandoned(now: MonotonicTime) { gate.abandoned(now) }
}
