internal import NIOCore

/// Limits of the header section of received content: its length, and how many hosts it has passed.
struct HeaderSectionCheck: Sendable {
    /// Octets.
    let sizeLimit: Int
    /// Received fields after which a message is held to loop (RFC 5321 §6.3 wants 100 or more).
    let receivedLimit: Int

    /// - Returns: The reply to refuse the content with, or `nil`.
    func verdict(_ content: ByteBuffer) -> ServerReply? {
        content.withUnsafeReadableBytes { bytes in
            var received = 0
            var start = 0
            while start < bytes.count {
                guard start <= sizeLimit else { return .headerTooLarge }
                let end = bytes.firstOffset(of: Octet.lf, in: start..<bytes.count) ?? bytes.count
                if end - start <= 1 { return nil }
                if isReceived(bytes, start, end) { received += 1 }
                if received > receivedLimit { return .mailLoop }
                start = end + 1
            }
            return start > sizeLimit ? .headerTooLarge : nil
        }
    }

    private func isReceived(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Bool {
        let name: StaticString = "RECEIVED:"
        guard end - start >= name.utf8CodeUnitCount else { return false }
        for offset in 0..<name.utf8CodeUnitCount
        where Octet.uppercased(bytes[start + offset]) != name.utf8Start[offset] { return false }
        return true
    }
}
