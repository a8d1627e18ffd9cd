import DNSClient
import DeliveryPolicy
import LocalSpool
import Logging
import MailModel
import MailTestKit
import NIOCore
import NIOPosix
import NodeRuntime
import Sender
import ServiceLifecycle
import Spool
import Synchronization

/// The sender role in this process, on loops of its own.
final class SenderNode: Sendable {
    let service: SenderService
    let spool: SpoolProxy
    private let loops: MultiThreadedEventLoopGroup
    private let resolver: DNSClient.Resolver
    private let group: ServiceGroup
    private let task: Task<Void, any Error>

    /// Starts it; returns when mail flows.
    init(_ configuration: NodeConfiguration, _ spool: SpoolProxy) async throws {
        loops = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        resolver = try DNSClient.Resolver(DNSClient.DNSConfiguration(servers: ["127.0.0.1@9"]))
        var logger = Logger(label: "test")
        logger.handler = SwiftLogNoOpLogHandler()
        let (isReady, becameReady) = AsyncStream<Void>.makeStream()
        service = SenderService(
            configuration, spool: spool, resolver: resolver, loops: loops, metrics: MetricsRegistry(), logger: logger,
            ready: { becameReady.finish() })
        self.spool = spool
        let group = ServiceGroup(services: [service], logger: logger)
        self.group = group
        task = Task {
            defer { becameReady.finish() }
            try await group.run()
        }
        for await _ in isReady {}
    }

    /// As a node that is asked to stop.
    func stop() async throws {
        await group.triggerGracefulShutdown()
        try await task.value
        resolver.close()
        try await loops.shutdownGracefully()
    }

    /// As a node that is killed: from one moment on nothing gets into the spool, and its membership ends.
    ///
    /// What its loops still do, at most `max_uncommitted` attempts, nobody hears of.
    func kill() async throws {
        await spool.cut()
        task.cancel()
        // A service that was cancelled has nothing to say.
        _ = await task.result
        resolver.close()
    }

    /// Waits until it has ended by itself.
    func ended() async throws {
        defer { resolver.close() }
        let result = await task.result
        try await loops.shutdownGracefully()
        try result.get()
    }

    /// Neither queued recipients nor records to take in, nothing uncommitted, no live schedule entry.
    func isQuiet() async throws -> Bool {
        let books = await service.books()
        let ends = try await spool.endOffsets(of: .mail)
        guard books.count == ends.count, service.gauge.count == 0 else { return false }
        guard books.allSatisfy({ $0.queued == 0 && $0.intakeMark == ends[$0.partition] }) else { return false }
        // What is shown may be ahead of what is committed.
        for (end, position) in zip(ends, try await spool.committed(group: SenderService.group, topic: .mail)) {
            guard position?.offset == end else { return false }
        }
        return try await spool.liveEntries().isEmpty
    }

    /// Sum over partitions.
    func total(_ part: (PartitionBooks) -> UInt64) async -> UInt64 {
        await service.books().reduce(0) { $0 + part($1) }
    }

    func differences() async -> [Int64] { await service.books().map(\.difference) }
}

extension Spool {
    func put(_ messages: [MessageRecord]) async throws {
        let result: Result<[Position], SpoolError> = await withCheckedContinuation { continuation in
            append(messages.map { SpoolRecord($0) }) { continuation.resume(returning: $0) }
        }
        _ = try result.get()
    }

    /// Schedule entries without a tombstone.
    func liveEntries() async throws -> [String: ScheduleEntry] {
        let live = Mutex<[String: ByteBuffer]>([:])
        for partition in 0..<partitionCount(of: .schedule) {
            try await replay(.schedule, partition: partition) { records in
                live.withLock { live in for record in records { live[record.key] = record.value } }
            }
        }
        return try live.withLock { $0 }.mapValues { try ScheduleEntry(decoding: $0) }
    }

    /// All mail records, from the beginning.
    func mail() async throws -> [MessageRecord] {
        let stream = try await follow(.mail, from: .beginning)
        defer { stream.close() }
        var found: [MessageRecord] = []
        while true {
            let records = try await stream.next(wait: false)
            if records.isEmpty { return found }
            found += try records.map { try MessageRecord($0) }
        }
    }
}
