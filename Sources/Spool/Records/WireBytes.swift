internal import NIOCore
internal import SwiftProtobuf

/// Lets Protobuf read and write the storage of a `ByteBuffer` in place.
struct WireBytes: SwiftProtobufContiguousBytes {
    var buffer: ByteBuffer

    init(buffer: ByteBuffer) { self.buffer = buffer }
    init(repeating byte: UInt8, count: Int) { buffer = ByteBuffer(repeating: byte, count: count) }
    init<S: Sequence>(_ bytes: S) where S.Element == UInt8 { buffer = ByteBuffer(bytes: bytes) }

    var count: Int { buffer.readableBytes }

    func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try buffer.withUnsafeReadableBytes(body)
    }

    mutating func withUnsafeMutableBytes<R>(_ body: (UnsafeMutableRawBufferPointer) throws -> R) rethrows -> R {
        try buffer.withUnsafeMutableReadableBytes(body)
    }
}

extension SwiftProtobuf.Message {
    /// Encoding fails only at 2 GiB, which bounded envelopes cannot reach: the caller's bug.
    func wireEncoded() -> ByteBuffer {
        do {
            let bytes: WireBytes = try serializedBytes()
            return bytes.buffer
        } catch {
            preconditionFailure("a record header of \(Self.protoMessageName) above 2 GiB")
        }
    }

    /// Reads bytes in place. Fields this version does not know are dropped.
    init(wire bytes: ByteBuffer) throws(SpoolError) {
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        do {
            try self.init(serializedBytes: WireBytes(buffer: bytes), options: options)
        } catch {
            throw SpoolError(.corrupt, "a record that cannot be read as \(Self.protoMessageName)", cause: error)
        }
    }
}
