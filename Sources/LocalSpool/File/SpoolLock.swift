internal import FileStatus
internal import Glibc
internal import Spool
internal import Synchronization

/// Holds a spool's directory for one process: `flock` on `spool.lock`, which the kernel lets go at any death.
///
/// The file is never removed: another process could otherwise lock one that has no name any more.
final class SpoolLock: Sendable {
    private let descriptor: Atomic<Int32>

    /// A process that was killed holds its lock until the kernel has taken it apart.
    private static let patience = Duration.seconds(2)

    /// Makes the directory if need be and takes the lock.
    ///
    /// - Parameter shared: For readers of a spool that no node runs; several may hold it at once.
    init(directory: String, shared: Bool) throws(SpoolError) {
        try Self.makeDirectory(directory)
        let path = directory + "/spool.lock"
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw SpoolError(systemCall: "cannot open \(path)") }
        let refusal = ContinuousClock.now + Self.patience
        while flock(file, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0 {
            let isHeld = errno == EWOULDBLOCK
            if isHeld, ContinuousClock.now < refusal {
                usleep(20_000)
                continue
            }
            let error = SpoolError(systemCall: "cannot lock \(path)")
            let holder = Self.holder(of: file)
            close(file)
            guard isHeld else { throw error }
            throw SpoolError(.inUse, "the spool in \(directory) is in use by \(holder)")
        }
        descriptor = Atomic(file)
        let text = Array("\(getpid())\n".utf8)
        // The number is for people; the lock itself stands whether or not it could be noted.
        _ = ftruncate(file, 0)
        _ = pwrite(file, text, text.count, 0)
    }

    /// Not when the object goes: a spool that nobody closed still writes.
    func release() {
        let file = descriptor.exchange(-1, ordering: .relaxed)
        if file >= 0 { close(file) }
    }

    private static func holder(of file: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = pread(file, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(count, 0)).prefix { $0 >= 0x30 && $0 <= 0x39 }
        guard let process = Int32(String(decoding: digits, as: UTF8.self)), kill(process, 0) == 0 || errno == EPERM
        else { return "another process" }
        return "process \(process)"
    }

    private static func makeDirectory(_ path: String) throws(SpoolError) {
        if let status = FileStatus(path: path) {
            guard status.isDirectory else {
                throw SpoolError(.foreign, "the spool's directory \(path) is a file")
            }
            return
        }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeDirectory(String(path[..<slash])) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw SpoolError(systemCall: "cannot make \(path)") }
    }
}

extension SpoolError {
    /// What a system call left in `errno`.
    init(systemCall what: String) {
        let number = errno
        let code: Code =
            switch number {
            case ENOSPC, EDQUOT: .full
            case EACCES, EPERM, EROFS: .forbidden
            default: .unavailable
            }
        self.init(code, "\(what): \(String(cString: strerror(number)))")
    }
}
