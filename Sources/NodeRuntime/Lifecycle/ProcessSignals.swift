internal import Dispatch
internal import Glibc

/// Signals as a sequence, without their default effect.
package enum ProcessSignals {
    /// SIGTERM and SIGINT; SIGPIPE is ignored from then on, as a peer may close any connection at any time.
    package static func termination() -> AsyncStream<Int32> {
        signal(SIGPIPE, SIG_IGN)
        return stream([SIGTERM, SIGINT])
    }

    /// SIGHUP.
    package static func reload() -> AsyncStream<Int32> { stream([SIGHUP]) }

    package static func stream(_ signals: [Int32]) -> AsyncStream<Int32> {
        AsyncStream(bufferingPolicy: .bufferingNewest(8)) { continuation in
            let sources = SignalSources(signals) { continuation.yield($0) }
            continuation.onTermination = { _ in sources.cancel() }
        }
    }
}

/// `@unchecked`: the sources are made in the initializer and only cancelled afterwards, which any thread may do.
private final class SignalSources: @unchecked Sendable {
    private let sources: [any DispatchSourceSignal]

    /// Returns when the sources are in force. Until then a signal has its default effect: none is lost at the start. On
    /// Linux, Dispatch installs a handler of its own, so the signals must not be set to be ignored here.
    init(_ signals: [Int32], received: @escaping @Sendable (Int32) -> Void) {
        let queue = DispatchQueue(label: "apus.signals")
        let registered = DispatchSemaphore(value: 0)
        sources = signals.map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { received(number) }
            source.setRegistrationHandler { registered.signal() }
            source.resume()
            return source
        }
        for _ in signals { registered.wait() }
    }

    func cancel() { for source in sources { source.cancel() } }
}
