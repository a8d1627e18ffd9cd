import Foundation
import MailTestKit

/// A reply of a server: its code and its lines without the code.
struct SMTPReply: CustomStringConvertible {
    var code: Int
    var lines: [String]
    var text: String { lines.joined(separator: "\n") }
    var description: String { "\(code) \(text)" }

    /// The queue ID in the reply to the final dot.
    var queueID: String? {
        text.split(separator: " ").map(String.init).last { $0.utf8.count == 26 }
    }
}

/// The client side of a dialogue, as bare as a test needs it: what is given is what is sent.
final class SMTPClient {
    let socket: Socket

    /// - Parameters:
    ///   - hello: `nil` stops after the greeting.
    ///   - preamble: Sent before the greeting, each octet in a packet of its own.
    init(
        to port: Int, from own: String? = nil, hello: String? = "client.test", octetByOctet preamble: String = "",
        timeout: Int = 60, receiveBuffer: Int32? = nil
    ) throws {
        socket = try Socket(to: port, from: own, timeout: timeout, receiveBuffer: receiveBuffer)
        for octet in preamble.utf8 { try socket.write([octet]) }
        try expect(220)
        if let hello {
            try socket.write("EHLO \(hello)\r\n")
            extensions = try expect(250).lines.dropFirst().map { $0.uppercased() }
        }
    }

    private(set) var extensions: [String] = []

    func reply() throws -> SMTPReply {
        var lines: [String] = []
        while true {
            guard let bytes = try socket.readLine() else { throw Socket.Closed(description: "end of the replies") }
            let line = String(decoding: bytes, as: UTF8.self)
            guard bytes.count >= 3, let code = Int(line.prefix(3)) else { throw TestKitError("no reply: \(line)") }
            lines.append(String(line.dropFirst(4)))
            if !line.dropFirst(3).hasPrefix("-") { return SMTPReply(code: code, lines: lines) }
        }
    }

    @discardableResult
    func command(_ line: String) throws -> SMTPReply {
        try socket.write(line + "\r\n")
        return try reply()
    }

    @discardableResult
    func expect(_ code: Int) throws -> SMTPReply {
        let reply = try reply()
        guard reply.code == code else { throw TestKitError("expected \(code), not \(reply)") }
        return reply
    }

    /// One transaction, pipelined up to DATA.
    ///
    /// - Parameters:
    ///   - mail: Parameters of MAIL, as ` RET=HDRS`.
    ///   - content: With CRLF line ends and a final one, not yet dot-stuffed.
    /// - Returns: The reply to the final dot, or the first that refused.
    func send(
        from: String, to recipients: [String], mail: String = "", content: String
    ) throws -> SMTPReply {
        var commands = "MAIL FROM:<\(from)>\(mail)\r\n"
        for recipient in recipients {
            // A recipient may bring parameters: `<a@b> NOTIFY=NEVER`.
            commands += "RCPT TO:" + (recipient.hasPrefix("<") ? recipient : "<\(recipient)>") + "\r\n"
        }
        try socket.write(commands + "DATA\r\n")
        var refusal: SMTPReply?
        for _ in 0...recipients.count {
            let reply = try reply()
            if reply.code != 250 { refusal = refusal ?? reply }
        }
        let go = try reply()
        guard go.code == 354 else { return refusal ?? go }
        try socket.write(Self.stuffed(content) + ".\r\n")
        let end = try reply()
        return refusal ?? end
    }

    func quit() {
        // The connection ends in any case.
        _ = try? command("QUIT")
        socket.close()
    }

    static func stuffed(_ content: String) -> String {
        let text = content.hasPrefix(".") ? "." + content : content
        return text.replacingOccurrences(of: "\r\n.", with: "\r\n..")
    }

    /// One message in a session of its own.
    ///
    /// - Returns: Its queue ID.
    static func send(
        to port: Int, from: String = "a@src.test", recipients: [String], mail: String = "", content: String
    ) throws -> String {
        let client = try SMTPClient(to: port)
        defer { client.quit() }
        let reply = try client.send(from: from, to: recipients, mail: mail, content: content)
        guard reply.code == 250, let id = reply.queueID else { throw TestKitError("not accepted: \(reply)") }
        return id
    }
}

/// Simple content for tests that are not about content.
enum TestContent {
    static func message(_ subject: String = "test", fields: [String] = [], body: String = "Hello.\r\n") -> String {
        let head = [
            "From: A <a@src.test>", "To: B <b@dst.test>", "Subject: \(subject)",
            "Date: Sun, 01 Mar 2026 10:00:00 +0000", "Message-ID: <\(UUID().uuidString)@src.test>",
        ]
        return (head + fields).joined(separator: "\r\n") + "\r\n\r\n" + body
    }
}
