import Foundation
import Logging
import NodeRuntime
import ServiceLifecycle
import Synchronization
import Testing

private final class Journal: Sendable {
    private let lines = Mutex<[String]>([])
    func note(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

/// Becomes ready at once, and notes when it is asked to stop.
private struct Part: Service {
    let name: String
    let journal: Journal
    let health: NodeHealth
    var ignoresStop = false

    func run() async throws {
        health.set(name, .ready)
        if ignoresStop {
            do {
                try await Task.sleep(for: .seconds(3600))
            } catch {
                journal.note("\(name) cancelled")
                throw error
            }
        }
        try await gracefulShutdown()
        journal.note("\(name) stopped")
    }
}

private struct Failing: Service {
    struct Failure: Error {}
    func run() async throws { throw Failure() }
}

@Suite(.timeLimit(.minutes(10))) struct NodeRunnerTests {
    private let journal = Journal()
    private let health = NodeHealth()
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func runner(_ names: [String], ignoring: String? = nil, stopLimit: Duration = .seconds(30)) -> NodeRunner {
        var runner = NodeRunner(
            health: health, logger: logger, stopLimit: stopLimit, notifier: SystemdNotifier(path: nil))
        for name in names {
            runner.add(
                Part(name: name, journal: journal, health: health, ignoresStop: name == ignoring), name: name)
        }
        return runner
    }

    /// A stream of signals, and its input after the node is ready.
    private func signals(_ numbers: [Int32]) -> AsyncStream<Int32> {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        health.whenReady { for number in numbers { continuation.yield(number) } }
        return stream
    }

    @Test func stopsInReverseOrder() async throws {
        for name in ["admin", "spool", "sender", "ingress"] { health.set(name, .starting) }
        let end = try await runner(["admin", "spool", "sender", "ingress"]).run(signals: signals([15]))
        #expect(end == .stopped)
        #expect(journal.all == ["ingress stopped", "sender stopped", "spool stopped", "admin stopped"])
    }

    @Test func secondSignalCancels() async throws {
        let end = try await runner(["sender"], ignoring: "sender").run(signals: signals([15, 2]))
        #expect(end == .cancelled)
        #expect(journal.all == ["sender cancelled"])
    }

    @Test func stopThatTakesTooLongIsCancelled() async throws {
        let slow = runner(["sender"], ignoring: "sender", stopLimit: .milliseconds(50))
        let end = try? await slow.run(signals: signals([15]))
        #expect(end == nil || end == .cancelled)
        #expect(journal.all == ["sender cancelled"])
    }

    @Test func failureStopsTheOthers() async throws {
        var failing = runner(["spool"])
        failing.add(Failing(), name: "sender")
        await #expect(throws: Failing.Failure.self) { _ = try await failing.run(signals: AsyncStream { _ in }) }
        #expect(journal.all == ["spool stopped"])
    }

    @Test func systemdIsTold() async throws {
        let directory = try Files.temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.path + "/notify"
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        #expect(UnixAddress(path)?.with { bind(descriptor, $0, $1) } == 0)
        var told = NodeRunner(
            health: health, logger: logger, stopLimit: .seconds(30), notifier: SystemdNotifier(path: path))
        told.add(Part(name: "sender", journal: journal, health: health), name: "sender")
        _ = try await told.run(signals: signals([15]))
        var messages: [String] = []
        for _ in 0..<2 {
            var bytes = [UInt8](repeating: 0, count: 64)
            let count = recv(descriptor, &bytes, bytes.count, 0)
            messages.append(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self))
        }
        #expect(Set(messages) == ["READY=1", "STOPPING=1"])
    }

    @Test func realSignals() async {
        let stream = ProcessSignals.stream([SIGUSR2])
        kill(getpid(), SIGUSR2)
        var iterator = stream.makeAsyncIterator()
        #expect(await iterator.next() == SIGUSR2)
    }
}
