import Foundation
import MailTestKit

/// A blocking TCP connection; each read and write has a time limit. Used by one thread at a time.
final class Socket {
    struct Closed: Error, CustomStringConvertible {
        let description: String
    }

    let descriptor: Int32
    private var buffer: [UInt8] = []
    private var isOpen = true

    init(descriptor: Int32, timeout: Int = 60) {
        self.descriptor = descriptor
        setTimeout(timeout)
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    /// - Parameter timeout: Of each read and write, in seconds.
    convenience init(
        to port: Int, at address: String = "127.0.0.1", from own: String? = nil, timeout: Int = 60,
        receiveBuffer: Int32? = nil
    ) throws {
        let descriptor = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw TestKitError("socket: errno \(errno)") }
        self.init(descriptor: descriptor, timeout: timeout)
        if var receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        if let own, LoopbackAddress.with(own, 0, { bind(descriptor, $0, $1) }) != 0 {
            throw Closed(description: "bind to \(own): errno \(errno)")
        }
        guard LoopbackAddress.with(address, port, { connect(descriptor, $0, $1) }) == 0 else {
            throw Closed(description: "connect to \(address):\(port): errno \(errno)")
        }
    }

    /// For what is expected not to come.
    func setTimeout(_ seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    func write(_ text: String) throws { try write(Array(text.utf8)) }

    func write(_ bytes: [UInt8]) throws {
        var start = 0
        while start < bytes.count {
            let sent = bytes.withUnsafeBytes { bytes in
                send(descriptor, bytes.baseAddress! + start, bytes.count - start, Int32(MSG_NOSIGNAL))
            }
            if sent < 0, errno == EINTR { continue }
            guard sent > 0 else { throw Closed(description: "write: errno \(errno)") }
            start += sent
        }
    }

    /// A line that ends with CRLF, without it; `nil` at the end of the stream.
    func readLine() throws -> [UInt8]? {
        var searched = 0
        while true {
            var index = searched
            while let feed = buffer[index...].firstIndex(of: 10) {
                if feed > 0, buffer[feed - 1] == 13 {
                    let line = Array(buffer[..<(feed - 1)])
                    buffer.removeFirst(feed + 1)
                    return line
                }
                index = feed + 1
            }
            searched = buffer.count
            guard try fill() else { return nil }
        }
    }

    /// - Returns: Whether more came.
    private func fill() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Closed(description: "read: errno \(errno)") }
            buffer += chunk[..<count]
            return count > 0
        }
    }

    /// Reads and throws away until the peer closes; `false` where it does not in time.
    func readToEnd() -> Bool {
        while true {
            buffer = []
            guard let more = try? fill() else { return errno == ECONNRESET }  // a reset is an end as well
            if !more { return true }
        }
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        Glibc.close(descriptor)
    }

    /// Ends it with a reset, as a peer that dies.
    func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    deinit { close() }
}

enum LoopbackAddress {
    static func with(_ text: String, _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr(text)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
