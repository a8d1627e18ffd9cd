import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// Whatever a client does instead of sending mail, the node stays well and serves the others.
    @Suite struct BadSessionTests {
        private let bad: BadInput

        init() async throws { bad = try await BadInput() }

        private static let garbage: [[UInt8]] = [
            [0, 0, 0, 0, 13, 10], Array("EHLO \0\r\n".utf8), Array("MAIL FROM:<a\0b@src.test>\r\n".utf8),
            [0xFF, 0xFE, 0x80, 13, 10], Array("\r\n\r\n\r\n".utf8), Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8),
            [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 13, 10],
            Array("EHLO x\r\nMAIL FROM:<\(String(repeating: "a", count: 5000))@src.test>\r\n".utf8),
            Array("EHLO x\r\nMAIL FROM:<a@src.test> SIZE=99999999999999999999\r\n".utf8),
            Array("EHLO x\r\nMAIL FROM:<a@src.test>\r\nRCPT TO:<b@dst.test> NOTIFY=ALWAYS ORCPT=\r\n".utf8),
            Array("EHLO x\nMAIL FROM:<a@src.test>\nRCPT TO:<b@dst.test>\nDATA\n.\nQUIT\n".utf8),
        ]

        @Test(.timeLimit(.minutes(10))) func garbageInsteadOfCommands() async throws {
            for bytes in Self.garbage {
                let client = try SMTPClient(to: bad.node.smtp, hello: nil)
                try client.socket.write(bytes)
                try client.socket.write("\r\nNOOP\r\nQUIT\r\n")
                #expect(client.socket.readToEnd(), "the session ends after QUIT, whatever \(bytes.prefix(20)) was")
            }
            var random = SeededRandom(seed: 7)
            for _ in 0..<30 {
                let client = try SMTPClient(to: bad.node.smtp, hello: nil)
                let bytes = (0..<2000).map { _ in UInt8.random(in: 0...255, using: &random) }
                // It may be cut off at any byte.
                try? client.socket.write(bytes)
                client.socket.reset()
            }
            try await bad.isWell("after garbage")
            #expect(bad.peer.transactions.count == 1)
        }

        /// A client that is gone at any step leaves no message and no trouble.
        @Test(.timeLimit(.minutes(10))) func clientsThatVanish() async throws {
            let steps = [
                "EHLO x", "MAIL FROM:<a@src.test>", "RCPT TO:<b@dst.test>", "DATA", "Subject: half", "", "body", ".\r",
            ]
            for mode in ["close", "reset"] {
                for count in 0...steps.count {
                    let client = try SMTPClient(to: bad.node.smtp, hello: nil)
                    for (index, step) in steps.prefix(count).enumerated() {
                        if index == steps.count - 1 {
                            try client.socket.write(".\r")
                        } else if index < 4 {
                            try client.command(step)
                        } else {
                            try client.socket.write(step + "\r\n")
                        }
                    }
                    if mode == "close" { client.socket.close() } else { client.socket.reset() }
                }
            }
            try await bad.isWell("after clients that vanished")
            #expect(bad.peer.transactions.count == 1)
        }

        /// A client that sends commands and never reads replies cannot make the node hold them without bound.
        @Test(.timeLimit(.minutes(10))) func clientThatNeverReads() async throws {
            let before = bad.node.memory
            let client = try SMTPClient(to: bad.node.smtp, receiveBuffer: 4096)
            client.socket.setTimeout(1)
            let recipients = String(repeating: "RCPT TO:<b@x.invalid>\r\n", count: 900)
            let mail = Array("MAIL FROM:<>\r\n\(recipients)DATA\r\nSubject: x\r\n\r\n.\r\n".utf8)
            var sent = 0
            // The node stops reading where its replies are not read.
            while sent < 5000, (try? client.socket.write(mail)) != nil { sent += 1 }
            #expect(sent < 5000, "100 MB of commands were taken while no reply was read")
            #expect(bad.node.memory - before < 150_000_000)
            try await bad.isWell("beside a client that never reads")
            client.socket.reset()
        }

        /// Commands that lead nowhere end the session, however fast they come.
        @Test(.timeLimit(.minutes(10)), arguments: ["NOOP", "RSET", "VRFY x", "EHLO x", "XYZ", "RCPT TO:<b@dst.test>"])
        func commandsWithoutEnd(command: String) async throws {
            let client = try SMTPClient(to: bad.node.smtp)
            let commands = Array(String(repeating: command + "\r\n", count: 10_000).utf8)
            var sent = 0
            while sent < 100, (try? client.socket.write(commands)) != nil { sent += 1 }
            // The replies end in 421, or the connection was cut before it could be read.
            var last: SMTPReply?
            while let reply = try? client.reply() { last = reply }
            #expect(last == nil || last?.code == 421, "\(String(describing: last))")
            #expect(client.socket.readToEnd())
            try await bad.isWell("after \(command) without end")
        }

        /// 1,000 connections that do nothing, and a message beside them.
        @Test(.timeLimit(.minutes(10))) func idleConnections() async throws {
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            if limit.rlim_cur < 4000 {
                limit.rlim_cur = min(4000, limit.rlim_max)
                setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            }
            let idle = try (0..<1000).map { _ in try SMTPClient(to: bad.node.smtp, hello: nil) }
            #expect(try await bad.node.metric("apus_connections") >= 1000)
            try await bad.isWell("beside idle connections")
            for client in idle { client.socket.close() }
            try await wait(until: "the connections are gone") { try await bad.node.metric("apus_connections") < 50 }
        }

    }
}
