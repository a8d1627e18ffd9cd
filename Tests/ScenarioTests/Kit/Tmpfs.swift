import Foundation
import MailTestKit

/// A small file system of a test's own, to be filled.
final class Tmpfs {
    let directory: ScratchDirectory
    var path: String { directory.path }

    init(kilobytes: Int) async throws {
        directory = try ScratchDirectory("apus-scenario-disk")
        let done = try await ChildProcess.run(
            "mount", ["-t", "tmpfs", "-o", "size=\(kilobytes)k,mode=0700", "tmpfs", directory.path])
        guard done.exit == .code(0) else { throw TestKitError("mount: \(done.errors.joined(separator: "\n"))") }
    }

    /// Takes all room that is left, less what is asked for.
    func fill(leaving kilobytes: Int = 0) throws {
        let fill = "\(path)/fill"
        try Data().write(to: URL(filePath: fill))
        guard let file = FileHandle(forWritingAtPath: fill) else { throw TestKitError("no file on tmpfs") }
        defer { close(file.fileDescriptor) }
        let block = [UInt8](repeating: 1, count: 4096)
        while write(file.fileDescriptor, block, block.count) == block.count {}
        let size = lseek(file.fileDescriptor, 0, Int32(SEEK_END))
        if kilobytes > 0 { ftruncate(file.fileDescriptor, max(0, size - kilobytes * 1024)) }
    }

    /// - Parameter mode: `ro` or `rw`.
    func remount(_ mode: String) async throws {
        let done = try await ChildProcess.run("mount", ["-o", "remount,\(mode)", path])
        guard done.exit == .code(0) else { throw TestKitError("mount: \(done.errors.joined(separator: "\n"))") }
    }

    func free() throws { try FileManager.default.removeItem(atPath: "\(path)/fill") }

    deinit {
        // Lazy: it goes when its last user has gone.
        umount2(path, Int32(MNT_DETACH))
    }

    /// Whether this process may mount.
    static let isPossible: Bool = {
        guard geteuid() == 0, let directory = try? ScratchDirectory("apus-scenario-disk") else { return false }
        guard mount("tmpfs", directory.path, "tmpfs", 0, "size=64k") == 0 else { return false }
        umount2(directory.path, Int32(MNT_DETACH))
        return true
    }()
}
