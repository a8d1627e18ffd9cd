internal import Foundation
package import NIOCore

extension AdminResponse {
    /// JSON of any value; keys as in the value's `CodingKeys`, dates do not occur (times are texts).
    package static func json(_ value: some Encodable, status: Int = 200) throws -> AdminResponse {
        var body = ByteBuffer(bytes: try AdminJSON.encode(value))
        body.writeString("\n")
        return AdminResponse(status: status, contentType: "application/json", body: body)
    }
}

extension AdminRequest {
    /// The body as JSON.
    package func decode<Value: Decodable>(_ type: Value.Type) throws(AdminProblem) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body.readableBytesView))
        } catch let error as DecodingError {
            throw .badRequest("the body does not fit: \(AdminJSON.describe(error))")
        } catch {
            throw .badRequest("the body is not JSON")
        }
    }
}

package enum AdminJSON {
    /// A value as one line, without its line end.
    package static func line(_ value: some Encodable) throws -> ByteBuffer { ByteBuffer(bytes: try encode(value)) }

    package static func decode<Value: Decodable>(_ type: Value.Type, from bytes: ByteBuffer) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes.readableBytesView))
    }

    static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        return try encoder.encode(value)
    }

    static func describe(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context) -> String {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return path.isEmpty ? "" : " at \(path)"
        }
        return switch error {
        case .keyNotFound(let key, let context): "no \"\(key.stringValue)\"\(place(context))"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            context.debugDescription + place(context)
        @unknown default: "not understood"
        }
    }
}

/// Collects lines of a long answer and sends them in pieces of about 16 KB. Belongs to the handler's task.
package final class AdminLines {
    static let pieceSize = 16_384

    private var buffer = ByteBuffer()
    private let send: (ByteBuffer) async throws -> Void

    init(send: @escaping (ByteBuffer) async throws -> Void) { self.send = send }

    package func write(_ value: some Encodable) async throws {
        buffer.writeBytes(try AdminJSON.encode(value))
        try await endLine()
    }

    /// A line that is JSON already, without its line end.
    package func write(json: ByteBuffer) async throws {
        buffer.writeImmutableBuffer(json)
        try await endLine()
    }

    private func endLine() async throws {
        buffer.writeInteger(UInt8(ascii: "\n"))
        if buffer.readableBytes >= Self.pieceSize { try await flush() }
    }

    /// Sends what was written so far, for readers who watch.
    package func flush() async throws {
        guard buffer.readableBytes > 0 else { return }
        let piece = buffer
        buffer = ByteBuffer()
        try await send(piece)
    }
}
