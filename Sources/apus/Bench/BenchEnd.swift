import LoadTest
import Synchronization

/// What signals ask of a run: the first to begin nothing more, the second to wait for nothing.
final class BenchEnd: Sendable {
    private struct State {
        var signals = 0
        var load: LoadRun?
        var patience = Duration.zero
    }

    private let state = Mutex(State())

    func watch(_ load: LoadRun, patience: Duration) {
        let signals = state.withLock { state in
            (state.load, state.patience) = (load, patience)
            return state.signals
        }
        if signals > 0 { load.stop() }
    }

    func signalled() {
        let state = state.withLock { state in
            state.signals += 1
            return state
        }
        guard state.signals == 1 else {
            state.load?.abort()
            return
        }
        guard let load = state.load else { return }
        load.stop()
        Task {
            try await Task.sleep(for: state.patience)
            load.abort()
        }
    }

    var isSignalled: Bool { state.withLock { $0.signals > 0 } }
}
