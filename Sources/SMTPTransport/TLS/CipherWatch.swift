package import NIOCore

/// Reads the cipher suite out of the ServerHello, which is in clear in every version of TLS (RFC 8446 §4.1.3, RFC 5246
/// §7.4.1.3): NIOSSL does not tell it.
///
/// Stands between the socket and the TLS handler and passes everything on unchanged. Lives on the channel's loop.
final class CipherWatch: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    /// Which end of the connection we are: the ServerHello comes in, or goes out.
    enum Side { case client, server }

    /// Once the handshake is over; `nil` where the peer spoke something else.
    private(set) var cipher: String?
    private let side: Side
    /// The first octets of the server; `nil` when they have told all they can.
    private var start: ByteBuffer? = ByteBuffer()

    init(_ side: Side) { self.side = side }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if side == .client, start != nil { look(at: unwrapInboundIn(data)) }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if side == .server, start != nil { look(at: unwrapOutboundIn(data)) }
        context.write(data, promise: promise)
    }

    private func look(at bytes: ByteBuffer) {
        guard var start else { return }
        var bytes = bytes
        start.writeBuffer(&bytes)
        switch ServerHello.cipherSuite(in: start.readableBytesView) {
        case .needsMore: self.start = start
        case .none: self.start = nil
        case .suite(let number):
            cipher = CipherSuite.name(number)
            self.start = nil
        }
    }
}

/// The part of a ServerHello that names the cipher suite.
package enum ServerHello {
    package enum Finding: Equatable {
        case needsMore
        /// No ServerHello.
        case none
        case suite(UInt16)
    }

    /// - Parameter bytes: What the server sent, from its first octet on.
    package static func cipherSuite(in bytes: ByteBufferView) -> Finding {
        // Record: type handshake, version, length. Message: type server_hello, length. Version, random, session ID.
        let sessionLength = 5 + 4 + 2 + 32
        func octet(_ index: Int) -> UInt8? { index < bytes.count ? bytes[bytes.startIndex + index] : nil }
        guard octet(0) ?? 22 == 22, octet(1) ?? 3 == 3, octet(5) ?? 2 == 2 else { return .none }
        guard let length = octet(sessionLength) else { return .needsMore }
        guard length <= 32 else { return .none }
        let place = sessionLength + 1 + Int(length)
        guard let high = octet(place), let low = octet(place + 1) else { return .needsMore }
        return .suite(UInt16(high) << 8 | UInt16(low))
    }
}

/// Names of the suites that BoringSSL negotiates, as OpenSSL writes them.
enum CipherSuite {
    private static let names: [UInt16: String] = [
        0x1301: "TLS_AES_128_GCM_SHA256", 0x1302: "TLS_AES_256_GCM_SHA384", 0x1303: "TLS_CHACHA20_POLY1305_SHA256",
        0xC02B: "ECDHE-ECDSA-AES128-GCM-SHA256", 0xC02C: "ECDHE-ECDSA-AES256-GCM-SHA384",
        0xC02F: "ECDHE-RSA-AES128-GCM-SHA256", 0xC030: "ECDHE-RSA-AES256-GCM-SHA384",
        0xCCA8: "ECDHE-RSA-CHACHA20-POLY1305", 0xCCA9: "ECDHE-ECDSA-CHACHA20-POLY1305",
        0xC009: "ECDHE-ECDSA-AES128-SHA", 0xC00A: "ECDHE-ECDSA-AES256-SHA", 0xC013: "ECDHE-RSA-AES128-SHA",
        0xC014: "ECDHE-RSA-AES256-SHA", 0xC027: "ECDHE-RSA-AES128-SHA256", 0x009C: "AES128-GCM-SHA256",
        0x009D: "AES256-GCM-SHA384", 0x002F: "AES128-SHA", 0x0035: "AES256-SHA", 0x000A: "DES-CBC3-SHA",
    ]

    static func name(_ number: UInt16) -> String {
        if let name = names[number] { return name }
        let digits = String(number, radix: 16, uppercase: true)
        return "0x" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}
