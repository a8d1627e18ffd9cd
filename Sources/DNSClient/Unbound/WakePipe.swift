internal import Glibc

/// Ends a `poll` of another thread. Closed when the last reference goes.
final class WakePipe: Sendable {
    let readEnd: CInt
    private let writeEnd: CInt

    init() throws(ResolverError) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw ResolverError(.resources, "pipe: error \(errno)") }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    /// A pipe that is full wakes as well as one with this byte in it.
    func wake() {
        var byte: UInt8 = 0
        _ = write(writeEnd, &byte, 1)
    }

    func drain() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(readEnd, &bytes, bytes.count) > 0 {}
    }
}
