import NIOCore

/// Content as one chunk: `BDAT n LAST` and then its octets as they are (RFC 3030 §2).
///
/// Nothing is stuffed or added, and nothing of the content can be taken for its end.
struct LastChunk {
    /// Goes out with the command.
    private let prefix: ByteBuffer
    private let content: ByteBuffer
    /// Index of the next byte to be handed out; `nil` before the command.
    private var position: Int?

    init(_ content: ByteBuffer, after prefix: ByteBuffer = ByteBuffer()) {
        self.content = content
        self.prefix = prefix
    }

    /// Everything was handed out.
    var isFinished: Bool { position == content.writerIndex }

    mutating func next() -> ByteBuffer? {
        guard let start = position else {
            position = content.readerIndex
            var first = ByteBuffer(string: "BDAT \(prefix.readableBytes + content.readableBytes) LAST\r\n")
            first.writeImmutableBuffer(prefix)
            return first
        }
        guard start < content.writerIndex else { return nil }
        let length = min(DotStuffer.pieceLimit, content.writerIndex - start)
        position = start + length
        return content.getSlice(at: start, length: length)
    }
}

/// The two ways in which content goes out.
enum ContentPieces {
    /// After DATA.
    case stuffed(DotStuffer)
    case chunk(LastChunk)

    var isChunk: Bool {
        if case .chunk = self { true } else { false }
    }

    var isFinished: Bool {
        switch self {
        case .stuffed(let stuffer): stuffer.isFinished
        case .chunk(let chunk): chunk.isFinished
        }
    }

    mutating func next() -> ByteBuffer? {
        switch self {
        case .stuffed(var stuffer):
            defer { self = .stuffed(stuffer) }
            return stuffer.next()
        case .chunk(var chunk):
            defer { self = .chunk(chunk) }
            return chunk.next()
        }
    }
}
