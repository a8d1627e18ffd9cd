import ArgumentParser
import Foundation
import LoadTest
import MailModel
import NIOCore
import NIOPosix
import NodeRuntime

/// One run of `bench`, from its options to its exit code.
struct BenchRun {
    /// For those under way after a signal.
    private static let patience = Duration.seconds(10)

    private let command: BenchCommand
    private let server: HostEndpoint
    private let run: String
    private let seed: UInt64

    init(_ command: BenchCommand) {
        self.command = command
        server = command.server ?? HostEndpoint(host: "127.0.0.1", port: 2525)
        let letters = Array("ABCDEFGHJKMNPQRSTVWXYZ0123456789")
        run = command.runName ?? String((0..<8).compactMap { _ in letters.randomElement() })
        // Of a size that can be typed again.
        seed = command.load.seed ?? UInt64.random(in: 1...999_999_999)
    }

    func run() async throws {
        let configuration = try configuration()
        let end = BenchEnd()
        let watch = Task { [signals = ProcessSignals.termination()] in
            for await _ in signals { end.signalled() }
        }
        defer { watch.cancel() }
        FileLimit.raise()
        let group = MultiThreadedEventLoopGroup(
            numberOfThreads: command.load.threads ?? max(1, System.coreCount / 2))
        var sink: BenchSink?
        // Threads of its own: what arrives must not hold up what is measured.
        let sinkGroup = MultiThreadedEventLoopGroup(numberOfThreads: max(1, System.coreCount / 2))
        if let address = command.sink { sink = try await BenchSink.started(at: address, on: sinkGroup) }
        let figures = try await load(configuration, group, end)
        let wait = command.sinkWait ?? .seconds(30)
        let delivery = await sink?.wait(
            for: run, of: command.message.recipients, figures.results, since: figures.wallStart, longest: wait, end)
        try await sink?.stop()
        let report = BenchReport(
            command: command, configuration: configuration, server: server, figures: figures, delivery: delivery)
        ToolFile.standardOutput.say(command.json ? report.json : ByteBuffer(string: report.text))
        try await group.shutdownGracefully()
        try await sinkGroup.shutdownGracefully()
        if !report.isGood { throw Exit.no }
    }

    private func load(
        _ configuration: LoadConfiguration, _ group: MultiThreadedEventLoopGroup, _ end: BenchEnd
    ) async throws -> BenchFigures {
        let (wallStart, processor) = (ToolClock.microseconds, ToolClock.processor)
        let load = LoadRun(configuration, on: Array(group.makeIterator()))
        end.watch(load, patience: Self.patience)
        let progress = command.quiet ? nil : BenchProgress.start(load, on: group.next())
        let results = try await load.finish()
        progress?.cancel()
        if let failure = load.unreachable, results.accepted == 0 {
            let reason = failure.kind == .refused ? "nothing listens there (connection refused)" : failure.text
            throw Exit.saying("bench: \(server): \(reason)", Exit.unreachable)
        }
        return BenchFigures(
            results: results, wallStart: wallStart, processor: ToolClock.processor - processor,
            isInterrupted: end.isSignalled, run: run, seed: seed)
    }

    private func configuration() throws -> LoadConfiguration {
        let address: SocketAddress
        do {
            address = try SocketAddress.makeAddressResolvingHost(server.host, port: server.port)
        } catch {
            throw Exit.saying("bench: \(server): the name has no address: \(error)", Exit.unreachable)
        }
        var configuration = LoadConfiguration(
            address: address, plan: command.message.plan(run: run, seed: seed), session: command.session.options,
            date: { SendText.date(Date()) }, wallClock: { ToolClock.microseconds })
        let isAddress = (try? SocketAddress(ipAddress: server.host, port: 0)) != nil  // no address: a name
        configuration.serverName = isAddress ? nil : server.host
        let load = command.load
        configuration.connections = min(load.connections, load.messages ?? .max)
        configuration.messagesPerConnection = load.perConnection
        configuration.schedule = load.schedule
        configuration.messages = load.messages ?? (BenchField.numberLimit / command.message.recipients)
        configuration.duration = load.span
        if let timeout = command.session.timeout { configuration.timeout = timeout.wholeMilliseconds * 1_000_000 }
        configuration.tracksAccepted = command.sink != nil
        return configuration
    }
}

/// What was measured.
struct BenchFigures {
    var results: LoadResults
    /// Microseconds since 1970.
    var wallStart: Int64
    /// Microseconds of processor time of this process.
    var processor: Int64
    var isInterrupted: Bool
    var run: String
    var seed: UInt64
}

/// Says once a second how far a run is.
enum BenchProgress {
    static func start(_ load: LoadRun, on loop: any EventLoop) -> RepeatedTask? {
        guard isatty(STDERR_FILENO) == 1 else { return nil }
        let last = NIOLoopBoundBox.makeBoxSendingValue((0, 0), as: (Int, Int).self, eventLoop: loop)
        return loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            let now = load.progress
            let (seconds, accepted) = last.value
            let underWay = now.started - now.accepted - now.failed
            ToolFile.standardError.say(
                """
                \(seconds + 1) s: \(now.accepted) accepted, \(now.accepted - accepted)/s, \
                \(now.failed) not accepted, \(underWay) under way
                """)
            last.value = (seconds + 1, now.accepted)
        }
    }
}
