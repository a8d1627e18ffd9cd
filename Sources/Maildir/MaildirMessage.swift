package import MailModel
package import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A message as it lies in a Maildir: lines end in LF, as every reader of Maildirs on Unix expects.
///
/// Only CRLF is a line end in what comes in; a CR or LF that stands alone stays as it is.
package struct MaildirMessage: Sendable {
    private let reversePath: ReversePath
    let body: ByteBuffer
    private let bodyLines: Int

    package init(reversePath: ReversePath, content: ByteBuffer) {
        self.reversePath = reversePath
        (body, bodyLines) = Self.withLineFeeds(content)
    }

    /// What the last hop adds (RFC 5321 §4.4), and whose copy it is.
    func head(for mailbox: Mailbox) -> ByteBuffer {
        ByteBuffer(string: "Return-Path: <\(reversePath)>\nDelivered-To: \(mailbox)\n")
    }

    /// `S=` and `W=` of the file's name, as Dovecot reads them: octets of the file, and with CRLF for each LF.
    func sizes(head: ByteBuffer) -> String {
        let size = head.readableBytes + body.readableBytes
        return ",S=\(size),W=\(size + 2 + bodyLines)"
    }

    private static func withLineFeeds(_ content: ByteBuffer) -> (ByteBuffer, lines: Int) {
        var out = ByteBufferAllocator().buffer(capacity: content.readableBytes)
        var lines = 0
        content.withUnsafeReadableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            var start = 0
            var at = 0
            while at < bytes.count, let found = memchr(base + at, 0x0A, bytes.count - at) {
                let feed = UnsafeRawPointer(found) - base
                let end = feed > start && bytes[feed - 1] == 0x0D ? feed - 1 : feed
                out.writeBytes(bytes[start..<end])
                start = feed
                at = feed + 1
                lines += 1
            }
            out.writeBytes(bytes[start...])
        }
        return (out, lines)
    }
}
