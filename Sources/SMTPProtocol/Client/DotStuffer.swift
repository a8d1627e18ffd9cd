package import NIOCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Content as it goes over the wire after DATA (RFC 5321 §4.5.2), in pieces, the last of which holds the final dot.
///
/// A dot at the start of a line is sent twice. Content without one, which is nearly all of it, goes out as slices of
/// its own storage. Where a dot is to be doubled, one slice ends with it and the next begins with it, so that these
/// need no copy either; slices that would be short are gathered into one buffer. Only CRLF ends a line here.
package struct DotStuffer {
    /// A piece is no longer than this, so that a connection's time limit for a block means something.
    static let pieceLimit = 256 * 1024
    /// Shorter runs are copied rather than sent as buffers of their own.
    static let shortRun = 4096
    static let gatherLimit = 16 * 1024

    private static let endOfMail = ByteBuffer(string: ".\r\n")
    private static let endOfLineAndMail = ByteBuffer(string: "\r\n.\r\n")

    /// Handed out first.
    private var prefix: ByteBuffer?
    private let content: ByteBuffer
    /// Index of the next byte to be handed out.
    private var position: Int
    /// First index not yet known to hold no dot to be doubled.
    private var unscanned: Int
    private let tail: ByteBuffer
    private var isTailSent = false

    /// - Parameter prefix: Whole lines, none of which begins with a dot.
    package init(_ content: ByteBuffer, after prefix: ByteBuffer = ByteBuffer()) {
        self.content = content
        if prefix.readableBytes > 0 { self.prefix = prefix }
        position = content.readerIndex
        unscanned = content.readerIndex
        let end = content.writerIndex
        let endsWithCRLF =
            content.readableBytes >= 2 && content.getInteger(at: end - 2, as: UInt16.self) == 0x0D0A
        tail = content.readableBytes == 0 || endsWithCRLF ? Self.endOfMail : Self.endOfLineAndMail
    }

    /// Everything was handed out, the final dot included.
    package var isFinished: Bool { isTailSent }

    /// The next piece; `nil` after the one with the final dot.
    package mutating func next() -> ByteBuffer? {
        if let first = prefix {
            prefix = nil
            return first
        }
        guard position < content.writerIndex else {
            guard !isTailSent else { return nil }
            isTailSent = true
            return tail
        }
        let run = nextRun(limit: Self.pieceLimit)
        guard run.count < Self.shortRun, position < content.writerIndex else {
            return content.getSlice(at: run.lowerBound, length: run.count)
        }
        var gathered = ByteBufferAllocator().buffer(capacity: Self.gatherLimit + Self.shortRun)
        append(run, to: &gathered)
        while gathered.readableBytes < Self.gatherLimit, position < content.writerIndex {
            append(nextRun(limit: Self.shortRun), to: &gathered)
        }
        return gathered
    }

    private func append(_ run: Range<Int>, to buffer: inout ByteBuffer) {
        if let slice = content.viewBytes(at: run.lowerBound, length: run.count) { buffer.writeBytes(slice) }
    }

    /// Bytes that go out as they are: up to and with the next dot to be doubled, where the next run begins, or `limit` bytes.
    private mutating func nextRun(limit: Int) -> Range<Int> {
        let lower = position
        let upper = min(lower + limit, content.writerIndex)
        if let dot = firstDot(in: max(unscanned, lower)..<max(unscanned, upper)) {
            unscanned = dot + 1
            position = dot
            return lower..<dot + 1
        }
        unscanned = max(unscanned, upper)
        position = upper
        return lower..<upper
    }

    /// Index of the first dot that starts a line.
    ///
    /// Looks for dots rather than line ends: text has about as many of either, base 64 and most of what is long has
    /// none.
    private func firstDot(in range: Range<Int>) -> Int? {
        let start = content.readerIndex
        return content.withVeryUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return nil }
            // `withVeryUnsafeBytes` counts from the start of the buffer's storage slice, as indices do.
            var at = range.lowerBound
            while at < range.upperBound, let hit = memchr(base + at, 0x2E, range.upperBound - at) {
                let dot = UnsafeRawPointer(hit) - base
                if dot == start || (dot >= start + 2 && bytes[dot - 1] == 0x0A && bytes[dot - 2] == 0x0D) {
                    return dot
                }
                at = dot + 1
            }
            return nil
        }
    }
}
