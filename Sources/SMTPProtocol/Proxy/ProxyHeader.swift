package import MailModel

/// What a balancer says of a connection it passes on: the PROXY protocol of HAProxy, versions 1 and 2
/// (proxy-protocol.txt §2).
///
/// Read only from peers that are known to send it; one who is believed may name any address.
package struct ProxyHeader: Equatable, Sendable {
    package struct Endpoint: Equatable, Sendable {
        package var address: IPAddress
        package var port: Int
    }

    package enum Origin: Equatable, Sendable {
        /// The balancer speaks for itself: a health check.
        case local
        /// Somebody whom the balancer does not name: `UNKNOWN`, `AF_UNSPEC`, or a Unix socket.
        case unknown
        case client(source: Endpoint, destination: Endpoint)
    }

    package enum Result: Equatable, Sendable {
        case incomplete
        /// The header, and how many octets it took. What follows is the client's.
        case header(ProxyHeader, length: Int)
        /// A constant text, for the log.
        case malformed(String)
    }

    package var origin: Origin

    /// With TLVs. Those that HAProxy can send, a client's certificate name among them, fit many times.
    package static let longest = 4096

    /// Reads the header at the start of `bytes`. Asked again with more of them while it is incomplete.
    package static func read(_ bytes: Span<UInt8>) -> Result {
        guard bytes.count > 0 else { return .incomplete }
        return bytes[0] == UInt8(ascii: "P") ? readText(bytes) : readBinary(bytes)
    }
}
