internal import NIOCore

/// Content of the message that is coming in: kept while it may still be accepted, only counted once it may not.
struct ContentReceiver: Sendable {
    struct Limits: Sendable {
        /// Octets of content; `Int.max` for none.
        var size: Int
        /// Octets kept free before the content, so that trace fields can be put there without a copy.
        var headroom: Int
        var header: HeaderSectionCheck
        var convertsBareLF: Bool
        var acceptsNUL: Bool
    }

    /// Most that is reserved at once on the word of SIZE.
    private static let reserveLimit = 1 << 20
    /// First reservation where SIZE was not given.
    private static let usualSize = 8 << 10

    let limits: Limits
    /// Why the content will be refused at its end; the first reason found.
    private(set) var fault: ServerReply?
    /// Octets that came and were not kept.
    private(set) var discarded = 0
    private var buffer = ByteBuffer()
    private var declaredSize = 0
    private var unstuffer: DotUnstuffer
    private var chunks = ChunkReceiver()

    init(limits: Limits) {
        self.limits = limits
        unstuffer = DotUnstuffer(convertsBareLF: limits.convertsBareLF)
    }

    var retainedBytes: Int { buffer.readableBytes }

    /// - Parameter declaredSize: SIZE of MAIL, 0 where it was not given.
    mutating func begin(declaredSize: Int) {
        self = ContentReceiver(limits: limits)
        self.declaredSize = declaredSize
    }

    /// Takes stuffed content (DATA) up to its end.
    ///
    /// - Returns: Whether the end was found; what follows it stays in `input`.
    mutating func receiveStuffed(_ input: inout ByteBuffer) -> Bool {
        var unstuffer = unstuffer
        let (taken, isEnd) = input.withUnsafeReadableBytes { bytes in
            unstuffer.receive(bytes) { run in keep(run) }
        }
        self.unstuffer = unstuffer
        input.moveReaderIndex(forwardBy: taken)
        note(unstuffer.flaws)
        return isEnd
    }

    /// Takes `count` octets of a chunk (BDAT).
    mutating func receiveChunk(_ input: inout ByteBuffer, count: Int) {
        input.withUnsafeReadableBytes { bytes in
            let piece = UnsafeRawBufferPointer(rebasing: bytes[..<count])
            chunks.receive(piece)
            keep(piece)
        }
        input.moveReaderIndex(forwardBy: count)
        note(chunks.flaws)
    }

    /// Throws away `count` octets of a chunk that is no content.
    mutating func discard(_ input: inout ByteBuffer, count: Int) {
        input.moveReaderIndex(forwardBy: count)
        discarded += count
    }

    /// Content from chunks is complete; gives it the line end it may lack.
    mutating func finishChunks() {
        chunks.finish()
        note(chunks.flaws)
        guard fault == nil, retainedBytes > 0, !chunks.endsInCRLF else { return }
        buffer.writeStaticString("\r\n")
    }

    /// - Returns: The reply to refuse the complete content with, or `nil`.
    mutating func verdict() -> ServerReply? {
        if fault == nil, let reply = limits.header.verdict(buffer) { refuse(reply) }
        return fault
    }

    /// Keeps nothing of this content, neither what came nor what is to come.
    mutating func refuse(_ reply: ServerReply) {
        if fault == nil { fault = reply }
        discarded += buffer.readableBytes
        buffer = ByteBuffer()
    }

    /// Hands the content over; its reader index stands at the headroom.
    mutating func take() -> ByteBuffer {
        reserve(0)
        let content = buffer
        buffer = ByteBuffer()
        return content
    }

    private mutating func note(_ flaws: ContentFlaws) {
        guard fault == nil, !flaws.isEmpty else { return }
        if flaws.contains(.bareLF) {
            refuse(.bareLineFeed)
        } else if flaws.contains(.bareCR) {
            refuse(.bareCarriageReturn)
        } else if !limits.acceptsNUL {
            refuse(.nulInContent)
        }
    }

    private mutating func keep(_ run: UnsafeRawBufferPointer) {
        guard fault == nil else {
            discarded += run.count
            return
        }
        guard run.count <= limits.size - retainedBytes else {
            refuse(.contentTooLarge)
            discarded += run.count
            return
        }
        reserve(run.count)
        buffer.writeBytes(run)
    }

    private mutating func reserve(_ count: Int) {
        guard buffer.capacity == 0 else { return }
        let size = declaredSize > 0 ? min(declaredSize, Self.reserveLimit) : Self.usualSize
        buffer.reserveCapacity(limits.headroom + max(size, count))
        buffer.moveWriterIndex(to: limits.headroom)
        buffer.moveReaderIndex(to: limits.headroom)
    }
}
