import MailModel

/// Version 2: a binary header (proxy-protocol.txt §2.2). Its TLVs are skipped.
extension ProxyHeader {
    /// Begins with what no protocol of text can begin with: an empty line, then a NUL.
    private static let signature: StaticString = "\r\n\r\n\0\r\nQUIT\n"
    private static let fixedLength = 16

    static func readBinary(_ bytes: Span<UInt8>) -> Result {
        let signature = signature
        for index in 0..<min(bytes.count, signature.utf8CodeUnitCount)
        where bytes[index] != signature.utf8Start[index] {
            return .malformed("no PROXY header")
        }
        if bytes.count > 12, bytes[12] >> 4 != 2 { return .malformed("PROXY version unknown") }
        guard bytes.count >= fixedLength else { return .incomplete }
        let rest = number(bytes, at: 14)
        guard fixedLength + rest <= longest else { return .malformed("PROXY header too long") }
        let result = origin(command: bytes[12] & 0x0F, family: bytes[13], rest, bytes)
        guard case .header = result, bytes.count < fixedLength + rest else { return result }
        return .incomplete
    }

    private static func origin(command: UInt8, family: UInt8, _ rest: Int, _ bytes: Span<UInt8>) -> Result {
        func header(_ origin: Origin) -> Result { .header(ProxyHeader(origin: origin), length: fixedLength + rest) }
        // Whatever family LOCAL names, its addresses are to be ignored.
        if command == 0 { return header(.local) }
        guard command == 1 else { return .malformed("PROXY command unknown") }
        switch family {
        case 0x00: return header(.unknown)
        case 0x11: return clientHeader(bytes, addressLength: 4, rest)
        case 0x21: return clientHeader(bytes, addressLength: 16, rest)
        // Two paths of 108 octets (unix(7)): a client on the balancer's own host.
        case 0x31: return rest >= 216 ? header(.unknown) : .malformed("PROXY addresses cut short")
        default: return .malformed("PROXY address family not of a stream")
        }
    }

    private static func clientHeader(_ bytes: Span<UInt8>, addressLength size: Int, _ rest: Int) -> Result {
        guard rest >= 2 * size + 4 else { return .malformed("PROXY addresses cut short") }
        let (source, destination, ports) = (fixedLength, fixedLength + size, fixedLength + 2 * size)
        guard bytes.count >= fixedLength + rest else { return .incomplete }
        let origin = Origin.client(
            source: Endpoint(
                address: IPAddress(bytes, source..<destination), port: number(bytes, at: ports)),
            destination: Endpoint(
                address: IPAddress(bytes, destination..<ports), port: number(bytes, at: ports + 2)))
        return .header(ProxyHeader(origin: origin), length: fixedLength + rest)
    }

    private static func number(_ bytes: Span<UInt8>, at index: Int) -> Int {
        Int(bytes[index]) << 8 | Int(bytes[index + 1])
    }
}
