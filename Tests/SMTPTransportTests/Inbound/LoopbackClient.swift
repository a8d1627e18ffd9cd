import NIOCore
import NIOPosix
import SMTPTransport

/// A line-wise client on a real socket, for tests.
final class LoopbackClient: Sendable {
    private let channel: any Channel
    private let lines: AsyncStream<String>.Iterator.Box

    init(
        _ listener: SMTPListener, autoRead: Bool = true,
        _ initialize: @escaping @Sendable (any Channel) throws -> Void = { _ in }
    )
        async throws
    {
        let (stream, continuation) = AsyncStream<String>.makeStream()
        lines = AsyncStream<String>.Iterator.Box(stream)
        let address = listener.localAddress!
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: autoRead)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try initialize(channel)
                    try channel.pipeline.syncOperations.addHandler(LineCollector(continuation))
                }
            }
            .connect(to: address).get()
    }

    func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)).get() }

    struct Closed: Error {}

    /// The next line without its CRLF.
    func line() async throws -> String {
        guard let line = await lines.next() else { throw Closed() }
        return line
    }

    func isClosedByPeer() async throws -> Bool { await lines.next() == nil }
    func resumeReading() { channel.setOption(.autoRead, value: true).whenSuccess { self.channel.read() } }

    func close() async {
        try? await channel.close().get()  // the other side may have been quicker
    }

    func addFirst(_ make: @escaping @Sendable () throws -> any ChannelHandler) async throws {
        let channel = channel
        try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.addHandler(try make(), position: .first)
        }.get()
    }
}

extension AsyncStream<String>.Iterator {
    /// One reader at a time, as the tests are written.
    final class Box: @unchecked Sendable {
        private var iterator: AsyncStream<String>.Iterator
        init(_ stream: AsyncStream<String>) { iterator = stream.makeAsyncIterator() }
        func next() async -> String? { await iterator.next(isolation: nil) }
    }
}

private final class LineCollector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let continuation: AsyncStream<String>.Continuation
    private var buffer = ByteBuffer()

    init(_ continuation: AsyncStream<String>.Continuation) { self.continuation = continuation }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        buffer.writeBuffer(&bytes)
        while let end = buffer.readableBytesView.firstIndex(of: 10) {
            let line = buffer.readString(length: end + 1 - buffer.readerIndex) ?? ""
            continuation.yield(String(line.dropLast(1)))
        }
        buffer.discardReadBytes()
    }

    func channelInactive(context: ChannelHandlerContext) { continuation.finish() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
