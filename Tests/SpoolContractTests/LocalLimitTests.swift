import Foundation
import LocalSpool
import MailModel
import NIOCore
import Spool
import Testing

/// The embedded spool at its limits: room, record size, memory of readers, the write-ahead log.
@Suite("Embedded spool: limits", .timeLimit(.minutes(10)))
struct LocalLimitTests {
    private static let megabyte = ByteBuffer(repeating: 7, count: 1 << 20)

    /// Appends until the spool is full, then makes room, and looks that nothing acknowledged is gone.
    private func fill(_ spool: LocalSpool, makeRoom: () async throws -> Void) async throws {
        var kept: [Position] = []
        var failure: SpoolError?
        while failure == nil, kept.count < 200 {
            do {
                kept += try await spool.append([SpoolRecord(.mail, key: "k\(kept.count)", value: Self.megabyte)])
            } catch let error as SpoolError {
                failure = error
            }
        }
        #expect(failure?.code == .full)
        #expect(failure?.isRetriable == true)
        for _ in 0..<3 {
            await #expect(throws: SpoolError.self) {
                try await spool.append([SpoolRecord(.mail, key: "k", value: Self.megabyte)])
            }
        }
        #expect(spool.pending == PendingAppends(records: 0, bytes: 0))
        try await makeRoom()
        let later = try await spool.append([SpoolRecord(.mail, key: "later", value: Self.megabyte)])
        #expect(later[0].offset > (kept.map(\.offset).max() ?? 0))
        let found = try await spool.read(kept + later, of: .mail)
        #expect(found.allSatisfy { $0?.value == Self.megabyte })
    }

    @Test("above the quota appends fail, and go on when there is room")
    func quota() async throws {
        let fixture = try LocalFixture { $0.quota = 8 << 20 }
        defer { fixture.remove() }
        let spool = try fixture.openLocal()
        try await fill(spool) { try await spool.setQuota(64 << 20) }
        await spool.close()
    }

    @Test("on a full disk appends fail, and go on when there is room", .enabled(if: canMount()))
    func disk() async throws {
        let directory = NSTemporaryDirectory() + "apus-full-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try #require(run("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", directory))
        defer {
            _ = run("umount", directory)
            rmdir(directory)
        }
        var configuration = LocalSpoolConfiguration(directory: directory)
        configuration.cleaningInterval = nil
        let spool = try LocalSpool.open(configuration)
        let ballast = directory + "/ballast"
        try Data(repeating: 1, count: 8 << 20).write(to: URL(fileURLWithPath: ballast))
        try await fill(spool) { try FileManager.default.removeItem(atPath: ballast) }
        await spool.close()
        let again = try LocalSpool.open(configuration)
        #expect(try await again.follow(.mail, from: .beginning).rest().last?.key == "later")
        await again.close()
    }

    @Test("a record above the limit fails alone")
    func tooLarge() async throws {
        let fixture = try LocalFixture { $0.recordLimit = 1000 }
        defer { fixture.remove() }
        let spool = try fixture.openLocal()
        let results = Collected<Result<[Position], SpoolError>>()
        await withCheckedContinuation { (end: CheckedContinuation<Void, Never>) in
            for number in 0..<30 {
                let size = number == 11 ? 2000 : 10
                spool.append([SpoolRecord(.mail, key: "k", value: ByteBuffer(repeating: 1, count: size))]) {
                    results.add($0)
                    if number == 29 { end.resume() }
                }
            }
        }
        let failed = results.all.enumerated().compactMap { index, result -> Int? in
            guard case .failure(let error) = result else { return nil }
            #expect(error.code == .recordTooLarge)
            return index
        }
        #expect(failed == [11])
        await spool.close()
    }

    @Test("a reader that falls behind misses nothing and repeats nothing")
    func slowReader() async throws {
        let fixture = try LocalFixture { $0.tailBytes = 20_000 }
        defer { fixture.remove() }
        let spool = try fixture.openLocal()
        let stream = try await spool.follow(.mail, from: .end)
        let value = ByteBuffer(repeating: 1, count: 900)
        var written: [Position] = []
        var read: [StoredRecord] = []
        for round in 0..<40 {
            written += try await spool.append(
                (0..<100).map { SpoolRecord(.mail, key: "d\(round % 5 + $0)", value: value) })
            if round % 3 == 0 { read += try await stream.next(wait: true) }
        }
        read += try await stream.rest()
        #expect(read.count == written.count)
        let orderly = Dictionary(grouping: read.map(\.position), by: \.partition)
        for (partition, positions) in Dictionary(grouping: written, by: \.partition) {
            #expect(orderly[partition] == positions)
        }
        await spool.close()
    }

    @Test("the write-ahead log stays bounded while commits run on")
    func writeAheadLog() async throws {
        let fixture = try LocalFixture { $0.checkpointBytes = 1 << 20 }
        defer { fixture.remove() }
        let spool = try fixture.openLocal()
        for number in 0..<100 {
            try await spool.append([SpoolRecord(.mail, key: "k\(number)", value: Self.megabyte)])
        }
        let log = try FileManager.default.attributesOfItem(atPath: fixture.file + "-wal")[.size] as? Int
        #expect(try #require(log) < 50 << 20)
        await spool.close()
    }

    @Test("commits are observed, and share what waited")
    func observation() async throws {
        let fixture = try LocalFixture()
        defer { fixture.remove() }
        let samples = Collected<CommitSample>()
        let spool = try LocalSpool.open(fixture.configuration) { samples.add($0) }
        // The writing thread stands in the first completion until all the others wait for it.
        let (isHeld, othersWait) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        await withCheckedContinuation { (end: CheckedContinuation<Void, Never>) in
            spool.append([SpoolRecord(.events, key: "k", value: bytes("v"))]) { _ in
                isHeld.signal()
                othersWait.wait()
            }
            isHeld.wait()
            for number in 1..<1000 {
                spool.append([SpoolRecord(.events, key: "k", value: bytes("v"))]) { _ in
                    if number == 999 { end.resume() }
                }
            }
            othersWait.signal()
        }
        await spool.close()
        #expect(samples.all.map(\.records).reduce(0, +) == 1000)
        #expect(samples.all.map(\.bytes).reduce(0, +) == 2000)
        #expect(samples.all.count < 50)
        #expect(samples.all.allSatisfy { $0.failure == nil && $0.duration > .zero })
    }
}

/// Mounting a file system needs privileges that tests do not always have.
func canMount() -> Bool {
    let directory = NSTemporaryDirectory() + "apus-mount-" + UUID().uuidString
    guard mkdir(directory, 0o700) == 0 else { return false }
    defer { rmdir(directory) }
    guard run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", directory) else { return false }
    return run("umount", directory)
}

func run(_ command: String...) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
}
