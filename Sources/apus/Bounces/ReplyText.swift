import Foundation
import MailModel
import NIOCore
import SMTPProtocol

/// Replies as people and logs write them.
enum ReplyText {
    static let wanted = "not a reply: a code of 400 to 599 and a text, as 550 5.1.1 User unknown"
    /// Octets of a line, as a node allows for a whole reply.
    static let lineLimit = 16 * 1024

    /// Reads it with the parser of a session, so that the codes are found as on the wire.
    static func parse(_ text: String) -> Reply? {
        var text = text.trimmingCharacters(in: .whitespaces)
        if text.lowercased().hasPrefix("smtp;") { text = text.dropFirst(5).trimmingCharacters(in: .whitespaces) }
        let lines = text.replacing("\\n", with: "\n").split(separator: "\n").map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        var input = ByteBuffer(string: lines.joined(separator: "\r\n") + "\r\n")
        var parser = ReplyParser()
        guard case .reply(let wire) = parser.next(&input), input.readableBytes == 0 else { return nil }
        let reply = wire.reply()
        return reply.code >= 400 ? reply : nil
    }

    /// Calls `body` with each line of standard input that is not empty.
    static func forEachLine(_ body: (Int, String) throws -> Void) throws {
        var (number, line) = (0, [UInt8]())
        func end() throws {
            number += 1
            if !line.isEmpty { try body(number, String(decoding: line, as: UTF8.self)) }
            line.removeAll(keepingCapacity: true)
        }
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw ToolFileError(path: "standard input", code: errno) }
            guard count > 0 else { break }
            for byte in chunk[..<count] {
                if byte == UInt8(ascii: "\n") { try end() } else if line.count <= lineLimit { line.append(byte) }
            }
        }
        if !line.isEmpty { try end() }
    }
}
