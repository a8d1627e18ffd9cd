import Foundation
import Synchronization

/// A process of a test's own: its lines of output, and its end. It is killed with the value.
package final class ChildProcess: Sendable {
    private struct State {
        var output: [String] = []
        var errors: [String] = []
        var exit: Exit?
        var openPipes = 2
    }

    /// How it ended.
    package enum Exit: Equatable, Sendable { case code(Int32), signal(Int32) }

    private final class Shared: Sendable { let state = Mutex(State()) }

    package let pid: Int32
    private let shared = Shared()
    private let input: FileHandle

    /// - Parameters:
    ///   - executable: A path, or a name that `PATH` leads to.
    ///   - environment: Added to that of the test.
    package init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:],
        directory: String? = nil
    ) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try Self.resolve(executable))
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        let (output, errors, input) = (Pipe(), Pipe(), Pipe())
        (process.standardOutput, process.standardError, process.standardInput) = (output, errors, input)
        self.input = input.fileHandleForWriting
        let shared = shared
        process.terminationHandler = { ended in
            let status = ended.terminationStatus
            let exit: Exit = ended.terminationReason == .exit ? .code(status) : .signal(status)
            shared.state.withLock { $0.exit = exit }
        }
        try process.run()
        pid = process.processIdentifier
        let closed: @Sendable () -> Void = { shared.state.withLock { $0.openPipes -= 1 } }
        Self.collect(output.fileHandleForReading, closed) { line in shared.state.withLock { $0.output.append(line) } }
        Self.collect(errors.fileHandleForReading, closed) { line in shared.state.withLock { $0.errors.append(line) } }
    }

    /// Complete lines of standard output so far.
    package var output: [String] { shared.state.withLock(\.output) }
    /// Complete lines of standard error so far.
    package var errors: [String] { shared.state.withLock(\.errors) }
    package var exit: Exit? { shared.state.withLock(\.exit) }
    package var isRunning: Bool { exit == nil }

    package func write(_ text: String) throws { try input.write(contentsOf: Data(text.utf8)) }
    package func closeInput() throws { try input.close() }

    /// Does nothing to a process that has ended, as its number may be another's by now.
    package func signal(_ number: Int32) {
        shared.state.withLock { if $0.exit == nil { _ = kill(pid, number) } }
    }

    package func terminate() { signal(SIGTERM) }

    /// As a crash: the process cannot notice.
    package func killNow() { signal(SIGKILL) }

    /// - Throws: When it still runs after the time.
    @discardableResult
    package func waitForExit(timeout: Duration = patience) async throws -> Exit {
        try await wait(for: "end of process \(pid)", timeout: timeout) { exit }
    }

    /// The first line of either output that contains `text`.
    ///
    /// - Throws: When it does not come in time, or the process ends without it; the error shows what it wrote instead.
    @discardableResult
    package func line(containing text: String, timeout: Duration = patience) async throws -> String {
        func find() -> String? { (output + errors).first { $0.contains(text) } }
        do {
            return try await wait(for: "a line with \(text)", timeout: timeout) {
                let isComplete = isComplete
                if let line = find() { return line }
                if isComplete { throw TestKitError("process \(pid) ended") }
                return nil
            }
        } catch {
            throw TestKitError("\(error)\n" + (output + errors).suffix(50).joined(separator: "\n"))
        }
    }

    /// Waits for the last line: a process may have ended while some are still in its pipes.
    package func readToEnd(timeout: Duration = patience) async throws {
        try await wait(until: "end of output of process \(pid)", timeout: timeout) { isComplete }
    }

    private var isComplete: Bool { shared.state.withLock { $0.exit != nil && $0.openPipes == 0 } }

    deinit {
        killNow()
        // Closed by the test or by the end of the process: nothing is lost.
        try? input.close()
    }

    /// A thread of its own for each pipe: Foundation's handlers share a queue with others and may starve.
    private static func collect(
        _ handle: FileHandle, _ closed: @escaping @Sendable () -> Void, _ line: @escaping @Sendable (String) -> Void
    ) {
        Thread.detachNewThread {
            var rest = Data()
            while true {
                let data = handle.availableData
                rest.append(data)
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    line(String(decoding: rest[..<end], as: UTF8.self))
                    rest = rest[(end + 1)...]
                }
                if data.isEmpty { break }
            }
            if !rest.isEmpty { line(String(decoding: rest, as: UTF8.self)) }
            closed()
        }
    }

    private static func resolve(_ executable: String) throws -> String {
        if executable.contains("/") { return executable }
        let directories = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        for directory in directories + ["/usr/sbin", "/sbin"] {
            let path = "\(directory)/\(executable)"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw TestKitError("no \(executable) in PATH")
    }
}

extension ChildProcess {
    /// Runs a command to its end.
    package static func run(
        _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:], input: String = "",
        timeout: Duration = patience
    ) async throws -> (exit: Exit, output: [String], errors: [String]) {
        let child = try ChildProcess(executable, arguments, environment: environment)
        if !input.isEmpty { try child.write(input) }
        try child.closeInput()
        let exit = try await child.waitForExit(timeout: timeout)
        try await child.readToEnd(timeout: timeout)
        return (exit, child.output, child.errors)
    }
}
