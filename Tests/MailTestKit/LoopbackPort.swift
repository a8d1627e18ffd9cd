import Foundation
import Synchronization

/// What a test could not do with the system.
package struct TestKitError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// Ports of loopback addresses that nothing is bound to at the moment of the call, each given once.
///
/// They lie below those the system gives to outgoing connections (32,768 on): none of these takes one before the test
/// does, and a connection to one that nobody listens on cannot meet itself.
package enum LoopbackPort {
    private static let range = 15_000..<32_000
    private static let last = Mutex(Int.random(in: range))

    package static func free() throws -> Int {
        for _ in range {
            let port = last.withLock { last in
                last = last + 1 < range.upperBound ? last + 1 : range.lowerBound
                return last
            }
            if try isFree(port) { return port }
        }
        throw TestKitError("no free port in \(range)")
    }

    package static func free(_ count: Int) throws -> [Int] { try (0..<count).map { _ in try free() } }

    /// For TCP and UDP, at each address of the host.
    private static func isFree(_ port: Int) throws -> Bool {
        for type in [SOCK_STREAM, SOCK_DGRAM] {
            let descriptor = socket(AF_INET, Int32(type.rawValue), 0)
            guard descriptor >= 0 else { throw TestKitError("socket: errno \(errno)") }
            defer { close(descriptor) }
            guard with(port, at: INADDR_ANY, { bind(descriptor, $0, $1) }) == 0 else { return false }
        }
        return true
    }

    /// Whether something accepts connections there.
    package static func isListening(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return with(port, at: 0x7F00_0001) { connect(descriptor, $0, $1) } == 0
    }

    private static func with(
        _ port: Int, at host: UInt32, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = host.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
