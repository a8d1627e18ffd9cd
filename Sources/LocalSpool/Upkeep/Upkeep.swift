internal import Logging
internal import MailModel
internal import Spool

/// The thread that keeps the file in shape: checkpoints, and the start of each cleaning.
final class Upkeep: Sendable {
    private struct State {
        /// Frames in the write-ahead log after the latest commit.
        var frames: Int32 = 0
        var isLarge = false
        var isClosing = false
        var ended: [@Sendable () -> Void] = []
        var hasEnded = false
    }

    private let state = Monitor(State())
    private let trigger: Int
    private let interval: Duration?

    init(_ configuration: LocalSpoolConfiguration) {
        trigger = configuration.checkpointBytes
        interval = configuration.cleaningInterval
    }

    /// - Parameter clean: Starts a cleaning without waiting for it.
    func start(_ make: @escaping @Sendable () -> Checkpointer, clean: @escaping @Sendable () -> Void) {
        SpoolThread.start { [self] in run(make(), clean) }
    }

    /// Called after every commit by the writer's connection.
    func committed(frames: Int32) {
        if Int(frames) * Schema.pageSize >= trigger {
            state.signal {
                $0.frames = frames
                $0.isLarge = true
            }
        } else {
            state.withLock { $0.frames = frames }
        }
    }

    func close() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let hasEnded = state.signal { state in
                state.isClosing = true
                if !state.hasEnded { state.ended.append { continuation.resume() } }
                return state.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    private func run(_ checkpointer: Checkpointer, _ clean: @Sendable () -> Void) {
        var cleaned = ContinuousClock.now
        while true {
            _ = state.wait(milliseconds: 1000) { state in state.isLarge || state.isClosing ? true : nil }
            let (frames, isClosing) = state.withLock { state in
                state.isLarge = false
                return (state.frames, state.isClosing)
            }
            if isClosing { break }
            checkpointer.look(frames: frames)
            if let interval, cleaned.duration(to: .now) >= interval {
                cleaned = .now
                clean()
            }
        }
        checkpointer.close()
        let ended = state.withLock { state in
            state.hasEnded = true
            return state.ended
        }
        for end in ended { end() }
    }
}
