internal import FileStatus
package import Glibc

/// The file of a Unix socket: made with mode 0600, and never taken from a process that answers on it.
package struct AdminSocket: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    let path: String
    /// A directory that only we may enter; the server binds here, so that no moment exists in which others could connect.
    private let directory: String
    package var bindPath: String { directory + "/s" }

    /// - Throws: `Failure` where the directory is missing, or another process answers on the socket.
    package init(path: String) throws {
        self.path = path
        if let status = FileStatus(entry: path) {
            guard status.isSocket else { throw Failure(description: "\(path) is not a socket") }
            guard !AdminSocket.answers(path) else {
                throw Failure(description: "another process answers on \(path)")
            }
        }
        var template = Array("\(path).XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(description: "\(path) cannot be made: \(String(cString: strerror(errno)))")
        }
        directory = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Gives the bound socket its mode and its name, over a stale one if need be.
    package func publish() throws {
        guard chmod(bindPath, 0o600) == 0, rename(bindPath, path) == 0 else {
            throw Failure(description: "\(path) cannot be made: \(String(cString: strerror(errno)))")
        }
        rmdir(directory)
    }

    /// Removes what is left. A socket that a successor has put in place stays.
    package func remove(inode: UInt) {
        unlink(bindPath)
        rmdir(directory)
        if inode != 0, inode == AdminSocket.inode(path) { unlink(path) }
    }

    package static func inode(_ path: String) -> UInt { FileStatus(entry: path)?.inode ?? 0 }

    private static func answers(_ path: String) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return UnixAddress(path)?.with { connect(descriptor, $0, $1) } == 0
    }
}

/// `sockaddr_un` of a path, or of an abstract name that begins with `@` (unix(7)).
package struct UnixAddress {
    private var address = sockaddr_un()
    private let length: socklen_t

    /// - Returns: `nil` for names that do not fit.
    package init?(_ path: String) {
        var bytes = Array(path.utf8)
        let isAbstract = bytes.first == UInt8(ascii: "@")
        if isAbstract { bytes[0] = 0 } else { bytes.append(0) }
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard (2...capacity).contains(bytes.count) else { return nil }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    }

    package func with<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}
