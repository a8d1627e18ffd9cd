internal import Glibc
internal import Synchronization

/// Where finished log lines go: a file descriptor, one `write` a line.
///
/// A descriptor that takes nothing now (a full pipe in non-blocking mode) loses the line, and the loss is counted: mail
/// must not wait for its log.
package final class LogSink: Sendable {
    private let descriptor: Int32
    private let lost = Atomic<Int>(0)
    /// Keeps lines whole where one needs several writes.
    private let turn = Mutex(())

    package static let standardError = LogSink(descriptor: STDERR_FILENO)

    /// - Parameter descriptor: Stays open for as long as the sink is used; the sink does not close it.
    package init(descriptor: Int32) { self.descriptor = descriptor }

    package var lostLines: Int { lost.load(ordering: .relaxed) }

    package func write(_ line: borrowing [UInt8]) {
        let isWritten = turn.withLock { _ in
            line.withUnsafeBytes { bytes in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                    if count < 0 {
                        if errno == EINTR { continue }
                        return false
                    }
                    rest = rest.dropFirst(count)
                }
                return true
            }
        }
        if !isWritten { lost.add(1, ordering: .relaxed) }
    }
}

extension Slice where Base == UnsafeRawBufferPointer {
    fileprivate var baseAddress: UnsafeRawPointer? { UnsafeRawBufferPointer(rebasing: self).baseAddress }
}
