import Foundation
import GRDB
import LocalSpool
import MailModel
import NIOCore
import Spool
import Testing

/// What the embedded spool does with files and directories it finds.
@Suite("Embedded spool: files")
struct LocalFileTests {
    private func expectRefusal(
        _ code: SpoolError.Code, _ words: [String], _ fixture: LocalFixture, unchanged: Bool = true
    ) throws {
        let before = try? Data(contentsOf: URL(fileURLWithPath: fixture.file))
        let error = #expect(throws: SpoolError.self) { try fixture.openLocal() }
        #expect(error?.code == code)
        for word in words { #expect(error?.description.contains(word) == true, "\(error?.description ?? "")") }
        let after = try? Data(contentsOf: URL(fileURLWithPath: fixture.file))
        if unchanged { #expect(after == before) }
    }

    private func withFile(_ content: Data) throws -> LocalFixture {
        let fixture = try LocalFixture()
        try FileManager.default.createDirectory(atPath: fixture.directory, withIntermediateDirectories: true)
        try content.write(to: URL(fileURLWithPath: fixture.file))
        return fixture
    }

    @Test("the directory is made for its owner alone")
    func directory() async throws {
        let fixture = try LocalFixture()
        defer { fixture.remove() }
        let spool = try fixture.openLocal()
        let mode = try FileManager.default.attributesOfItem(atPath: fixture.directory)[.posixPermissions] as? Int
        #expect(mode == 0o700)
        await spool.close()
        let left = try FileManager.default.contentsOfDirectory(atPath: fixture.directory).sorted()
        #expect(left == ["spool.lock", "spool.sqlite"])
    }

    @Test("a second opening is refused with the process that holds the spool")
    func locked() async throws {
        let fixture = try LocalFixture()
        defer { fixture.remove() }
        let spool = try fixture.openLocal()
        try expectRefusal(
            .inUse, [fixture.directory, "process \(ProcessInfo.processInfo.processIdentifier)"], fixture,
            unchanged: false)
        let readOnly = #expect(throws: SpoolError.self) { try fixture.openLocal(readOnly: true) }
        #expect(readOnly?.code == .inUse)
        await spool.close()
        await (try fixture.openLocal()).close()
    }

    /// As after a kill: the kernel takes a moment to let go of all that the process had.
    @Test("a lock that is let go in a moment is waited for")
    func lockOfTheDying() async throws {
        let fixture = try LocalFixture()
        defer { fixture.remove() }
        try FileManager.default.createDirectory(atPath: fixture.directory, withIntermediateDirectories: true)
        let lock = open(fixture.directory + "/spool.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
        // Threads of their own: both block, and nothing else decides when they run.
        Thread.detachNewThread {
            usleep(100_000)
            close(lock)
        }
        let spool = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try fixture.openLocal() }) }
        }
        await spool.close()
    }

    @Test("a directory that the system does not grant is refused as such")
    func forbidden() {
        // Not even root makes directories there.
        let error = #expect(throws: SpoolError.self) {
            try LocalSpool.open(LocalSpoolConfiguration(directory: "/sys/apus-spool"))
        }
        #expect(error?.code == .forbidden, "\(String(describing: error))")
        #expect(error?.message.contains("cannot make /sys/apus-spool") == true)
    }

    @Test("a file that is no SQLite file is not touched")
    func text() throws {
        let fixture = try withFile(Data(repeating: 0x41, count: 10_000))
        defer { fixture.remove() }
        try expectRefusal(.foreign, [fixture.file, "no SQLite file"], fixture)
    }

    @Test("a short file is not touched")
    func short() throws {
        let fixture = try withFile(Data("SQLite format 3\0".utf8))
        defer { fixture.remove() }
        try expectRefusal(.foreign, [fixture.file], fixture)
    }

    @Test("a database of another program is not touched")
    func otherProgram() throws {
        let fixture = try withFile(Data())
        defer { fixture.remove() }
        let other = try DatabaseQueue(path: fixture.file)
        try other.write { try $0.execute(sql: "CREATE TABLE t (a); PRAGMA application_id = 77") }
        try other.close()
        try expectRefusal(.foreign, [fixture.file, "application_id 77"], fixture)
    }

    @Test("another schema version is not touched")
    func otherVersion() async throws {
        let fixture = try LocalFixture()
        defer { fixture.remove() }
        await (try fixture.openLocal()).close()
        try patch(fixture.file, at: 63, with: [9])
        try expectRefusal(.foreign, [fixture.file, "version 9", "knows 1"], fixture)
    }

    @Test("damaged pages are found at the start")
    func damaged() async throws {
        let fixture = try LocalFixture()
        defer { fixture.remove() }
        let spool = try fixture.openLocal()
        try await spool.append((0..<2000).map { SpoolRecord(.mail, key: "k\($0)", value: bytes("value \($0)")) })
        await spool.close()
        let size = try #require(
            FileManager.default.attributesOfItem(atPath: fixture.file)[.size] as? Int)
        try patch(fixture.file, at: size - 3 * 4096, with: [UInt8](repeating: 0xEE, count: 2 * 4096))
        try expectRefusal(.corrupt, [fixture.file], fixture)
    }

    @Test("a file cut short is found at the start")
    func truncated() async throws {
        let fixture = try LocalFixture()
        defer { fixture.remove() }
        let spool = try fixture.openLocal()
        try await spool.append((0..<2000).map { SpoolRecord(.mail, key: "k\($0)", value: bytes("value \($0)")) })
        await spool.close()
        try #require(truncate(fixture.file, 40_960) == 0)
        try expectRefusal(.corrupt, [fixture.file], fixture)
    }

    @Test("another number of partitions is refused with both numbers")
    func partitions() async throws {
        let fixture = try LocalFixture()
        defer { fixture.remove() }
        await (try fixture.openLocal()).close()
        var other = fixture
        other.change = { $0.partitions[.mail] = 32 }
        try expectRefusal(.foreign, ["64 partitions of mail", "32"], other, unchanged: false)
    }

    @Test("reading only needs a spool, sees its records and takes none")
    func readOnly() async throws {
        let fixture = try LocalFixture()
        defer { fixture.remove() }
        let none = #expect(throws: SpoolError.self) { try fixture.openLocal(readOnly: true) }
        #expect(none?.code == .unavailable)
        let spool = try fixture.openLocal()
        let positions = try await spool.append([SpoolRecord(.mail, key: "k", value: bytes("v"))])
        await spool.close()
        let reader = try fixture.openLocal(readOnly: true)
        let second = try fixture.openLocal(readOnly: true)
        #expect(try await reader.read(positions, of: .mail).first??.text == "v")
        await #expect(throws: SpoolError.self) { try await reader.append([SpoolRecord(.mail, key: "k", value: nil)]) }
        await reader.close()
        await second.close()
        await (try fixture.openLocal()).close()
    }

    private func patch(_ path: String, at offset: Int, with bytes: [UInt8]) throws {
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: Data(bytes))
        try handle.close()
    }
}
