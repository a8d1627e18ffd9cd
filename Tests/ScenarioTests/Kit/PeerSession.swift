import Foundation
import MailTestKit

/// One connection of a `Peer`, on a thread of its own.
struct PeerSession {
    private let socket: Socket
    private let number: Int
    private let extensions: [String]
    private let delay: Duration

    init(_ socket: Socket, _ number: Int, _ extensions: [String], _ delay: Duration) {
        (self.socket, self.number, self.extensions, self.delay) = (socket, number, extensions, delay)
    }

    /// - Parameters:
    ///   - answer: The test's choice, see `Peer.Rule`.
    ///   - took: Called before the 250 to content is sent.
    func run(answer: (String) -> String?, took: (Peer.Transaction) -> Void) {
        defer { socket.close() }
        // A client that is gone ends the session; the test sees what came before.
        try? dialogue(answer, took)
    }

    private func dialogue(_ answer: (String) -> String?, _ took: (Peer.Transaction) -> Void) throws {
        guard try say(answer("CONNECT") ?? "220 peer.test ESMTP") else { return }
        var open = Peer.Transaction(hello: "", mail: "", recipients: [], content: [], connection: number)
        while let bytes = try socket.readLine() {
            let line = String(decoding: bytes, as: UTF8.self)
            let verb = line.prefix { $0 != " " }.uppercased()
            let chosen = answer(line)
            let reply = chosen ?? usual(verb, in: open)
            let isPositive = reply.hasPrefix("2") || reply.hasPrefix("3")
            guard try say(reply) else { return }
            switch verb {
            case "EHLO", "HELO": open.hello = String(line.dropFirst(5))
            case "MAIL":
                open.mail = isPositive ? String(line.dropFirst(10)) : ""
                open.recipients = []
            case "RCPT": if isPositive { open.recipients.append(String(line.dropFirst(8))) }
            case "DATA" where isPositive:
                guard try takeContent(&open, answer, took) else { return }
                (open.mail, open.recipients) = ("", [])
            case "RSET": (open.mail, open.recipients) = ("", [])
            case "STARTTLS" where isPositive:
                return try socket.write("no TLS is spoken here\r\n")
            case "QUIT": return
            default: break
            }
        }
    }

    private func takeContent(
        _ open: inout Peer.Transaction, _ answer: (String) -> String?, _ took: (Peer.Transaction) -> Void
    ) throws -> Bool {
        open.content = []
        while let line = try socket.readLine() {
            guard line != [UInt8(ascii: ".")] else {
                if delay > .zero { usleep(UInt32(delay / .microseconds(1))) }
                let reply = answer(".") ?? "250 2.0.0 taken"
                if reply.hasPrefix("2") { took(open) }
                return try say(reply)
            }
            open.content += line.first == UInt8(ascii: ".") ? line.dropFirst() : line[...]
            open.content += [13, 10]
        }
        return false
    }

    private func usual(_ verb: String, in open: Peer.Transaction) -> String {
        switch verb {
        case "RCPT" where open.mail.isEmpty: return "503 5.5.1 MAIL first"
        case "DATA" where open.recipients.isEmpty: return "503 5.5.1 no recipients"
        case "EHLO":
            let lines = ["peer.test"] + extensions
            return lines.dropLast().map { "250-\($0)\r\n" }.joined() + "250 \(lines.last ?? "peer.test")"
        case "HELO", "MAIL", "RCPT", "RSET", "NOOP": return "250 2.0.0 ok"
        case "DATA": return "354 go ahead"
        case "QUIT": return "221 2.0.0 bye"
        case "STARTTLS": return "220 2.0.0 go ahead"
        default: return "500 5.5.1 unknown"
        }
    }

    /// - Returns: `false` where the test wants the connection cut.
    private func say(_ reply: String) throws -> Bool {
        if reply.isEmpty { return false }
        try socket.write(reply + "\r\n")
        return true
    }
}
