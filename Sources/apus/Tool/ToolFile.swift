import Foundation
import NIOCore
import Synchronization

/// An error of a file, with its path.
struct ToolFileError: Error, CustomStringConvertible {
    let path: String
    let code: CInt
    var description: String { "\(path): \(String(cString: strerror(code)))" }
}

/// A file that lines are appended to, from any thread; each at once.
final class ToolFile: Sendable {
    static let standardOutput = ToolFile(descriptor: STDOUT_FILENO, path: "standard output")
    static let standardError = ToolFile(descriptor: STDERR_FILENO, path: "standard error")

    private let descriptor: CInt
    private let path: String
    private let lock = Mutex(())

    private init(descriptor: CInt, path: String) { (self.descriptor, self.path) = (descriptor, path) }

    convenience init(appendingTo path: String) throws {
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw ToolFileError(path: path, code: errno) }
        self.init(descriptor: descriptor, path: path)
    }

    func append(_ bytes: ByteBuffer) throws {
        try lock.withLock { _ in try Self.write(bytes, to: descriptor, path) }
    }

    /// Appends a line for people or scripts.
    func say(_ line: ByteBuffer) {
        var line = line
        line.writeStaticString("\n")
        // A closed pipe is no reason to fail: what a command did is said by its exit code too.
        try? append(line)
    }

    func say(_ line: String) { say(ByteBuffer(string: line)) }

    static func write(_ bytes: ByteBuffer, to descriptor: CInt, _ path: String) throws {
        try bytes.withUnsafeReadableBytes { bytes in
            var rest = bytes[...]
            while let base = UnsafeRawBufferPointer(rebasing: rest).baseAddress, !rest.isEmpty {
                let count = Foundation.write(descriptor, base, rest.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if errno != EINTR {
                    throw ToolFileError(path: path, code: errno)
                }
            }
        }
    }
}
