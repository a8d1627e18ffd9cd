import Foundation
import LocalSpool
import MailModel
import NIOCore
import Spool
import Testing

/// Every spool that must pass the contract.
enum SpoolKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case local

    var testDescription: String { rawValue }

    func makeFixture() throws -> any SpoolFixture {
        switch self {
        case .local: try LocalFixture()
        }
    }
}

/// One empty spool that a test opens as often as it likes.
protocol SpoolFixture: Sendable {
    func open() async throws -> any Spool
    /// Removes all that retention allows at that moment.
    func clean(_ spool: any Spool, now: Timestamp) async throws
    func remove()
}

struct LocalFixture: SpoolFixture {
    let directory: String
    var change: @Sendable (inout LocalSpoolConfiguration) -> Void = { _ in }

    init(_ change: @escaping @Sendable (inout LocalSpoolConfiguration) -> Void = { _ in }) throws {
        directory = NSTemporaryDirectory() + "apus-spool-" + UUID().uuidString
        self.change = change
    }

    var configuration: LocalSpoolConfiguration {
        var configuration = LocalSpoolConfiguration(directory: directory)
        configuration.cleaningInterval = nil
        change(&configuration)
        return configuration
    }

    var file: String { directory + "/spool.sqlite" }

    func open() async throws -> any Spool { try openLocal() }
    func openLocal(readOnly: Bool = false) throws -> LocalSpool {
        try LocalSpool.open(configuration, readOnly: readOnly)
    }

    func clean(_ spool: any Spool, now: Timestamp) async throws {
        _ = try await #require(spool as? LocalSpool).cleanOnce(now: now)
    }

    func remove() {
        // A directory that is gone already is as good.
        try? FileManager.default.removeItem(atPath: directory)
    }
}

/// Opens a spool for the length of a test.
func withSpool(_ kind: SpoolKind, _ body: (any Spool, any SpoolFixture) async throws -> Void) async throws {
    let fixture = try kind.makeFixture()
    defer { fixture.remove() }
    let spool = try await fixture.open()
    try await body(spool, fixture)
    await spool.close()
}

extension Spool {
    @discardableResult
    func append(_ records: [SpoolRecord]) async throws -> [Position] {
        try await withCheckedThrowingContinuation { continuation in
            append(records) { continuation.resume(with: $0) }
        }
    }
}

extension Subscription {
    @discardableResult
    func commit(_ transaction: SpoolTransaction) async throws -> [Position] {
        try await withCheckedThrowingContinuation { continuation in
            commit(transaction) { continuation.resume(with: $0) }
        }
    }

    func nextAssignment() async throws -> [SubscriptionEvent.Assignment] {
        guard case .assigned(let assignments)? = try await next() else {
            throw SpoolError(.unavailable, "something else than an assignment")
        }
        return assignments
    }

    func nextRevocation() async throws -> [Int] {
        guard case .revoked(let partitions)? = try await next() else {
            throw SpoolError(.unavailable, "something else than a revocation")
        }
        return partitions
    }

    /// Records until there are as many.
    func nextRecords(_ count: Int) async throws -> [StoredRecord] {
        var records: [StoredRecord] = []
        while records.count < count {
            guard case .records(let more)? = try await next() else {
                throw SpoolError(.unavailable, "something else than records")
            }
            records += more
        }
        return records
    }
}

extension RecordStream {
    func nextRecords(_ count: Int) async throws -> [StoredRecord] {
        var records: [StoredRecord] = []
        while records.count < count { records += try await next(wait: true) }
        return records
    }

    func rest() async throws -> [StoredRecord] {
        var records: [StoredRecord] = []
        while true {
            let more = try await next(wait: false)
            if more.isEmpty { return records }
            records += more
        }
    }
}

func bytes(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }

extension StoredRecord {
    var text: String? { value.map { String(buffer: $0) } }
}

/// Collects from completions.
final class Collected<Element: Sendable>: @unchecked Sendable {
    // Only touched with the lock held.
    private var elements: [Element] = []
    private let lock = NSLock()
    func add(_ element: Element) { lock.withLock { elements.append(element) } }
    var all: [Element] { lock.withLock { elements } }
}
