internal import FileStatus
internal import Glibc

/// Octets of a table, within a limit.
enum TableFile {
    static func read(_ path: String, limit: Int) throws(ConfigurationError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(path, "cannot be read: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        guard let status = FileStatus(descriptor: descriptor), status.isRegular else {
            throw failure(path, "is not a file")
        }
        guard status.size <= limit else {
            throw failure(path, "has \(status.size) bytes; allowed: up to \(limit) (ingress.tables.file_limit)")
        }
        var problem: Int32 = 0
        // A file that grows meanwhile is read as far as it was.
        let bytes = [UInt8](unsafeUninitializedCapacity: status.size) { buffer, length in
            while length < buffer.count {
                let count = Glibc.read(descriptor, buffer.baseAddress! + length, buffer.count - length)
                if count < 0, errno == EINTR { continue }
                if count < 0 { problem = errno }
                guard count > 0 else { return }
                length += count
            }
        }
        guard problem == 0 else { throw failure(path, "cannot be read: \(String(cString: strerror(problem)))") }
        return bytes
    }

    static func failure(_ path: String, _ message: String) -> ConfigurationError {
        ConfigurationError(issues: [
            ConfigurationIssue(file: path, line: 0, key: "", value: nil, message: message)
        ])
    }
}
