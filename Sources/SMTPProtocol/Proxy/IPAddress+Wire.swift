internal import MailModel

extension IPAddress {
    /// As a peer wrote it; an IPv4 address mapped into IPv6 becomes the one it stands for.
    init?(text bytes: Span<UInt8>, _ range: Range<Int>) {
        guard range.count <= 45 else { return nil }
        let text = bytes.extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
        guard let address = IPAddress(text) else { return nil }
        self = address.unmapped
    }

    /// - Parameter range: 4 or 16 octets in network order.
    init(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        guard let address = IPAddress(octets: range.map { bytes[$0] }) else {
            preconditionFailure("\(range.count) octets of an address")
        }
        self = address.unmapped
    }
}
