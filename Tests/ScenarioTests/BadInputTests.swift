import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// Whatever a client sends, the node stays well and serves the others.
    @Suite struct BadInputTests {
        private let peer: Peer
        private let node: Node

        init() async throws {
            peer = try Peer()
            var settings = Node.Settings(routes: [("dst.test", "{relay: \"127.0.0.1:\(peer.port)\"}")])
            settings.ingress = ["size_limit: 5MB", "connections_per_client: 3000"]
            node = try await Node.started(settings)
        }

        /// A normal message passes, the node is ready, and its memory is within bounds.
        private func isWell(_ comment: Comment) async throws {
            let before = peer.transactions.count
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["b@dst.test"], content: TestContent.message("after bad input"))
            _ = try await node.events(of: id, until: "delivered")
            #expect(peer.transactions.count == before + 1, comment)
            #expect(peer.transactions.last?.field("Subject") == "after bad input", comment)
            #expect(await node.isReady, comment)
            #expect(node.memory < 500_000_000, comment)
        }

        private static let garbage: [[UInt8]] = [
            [0, 0, 0, 0, 13, 10], Array("EHLO \0\r\n".utf8), Array("MAIL FROM:<a\0b@src.test>\r\n".utf8),
            [0xFF, 0xFE, 0x80, 13, 10], Array("\r\n\r\n\r\n".utf8), Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8),
            [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 13, 10],
            Array("EHLO x\r\nMAIL FROM:<\(String(repeating: "a", count: 5000))@src.test>\r\n".utf8),
            Array("EHLO x\r\nMAIL FROM:<a@src.test> SIZE=99999999999999999999\r\n".utf8),
            Array("EHLO x\r\nMAIL FROM:<a@src.test>\r\nRCPT TO:<b@dst.test> NOTIFY=ALWAYS ORCPT=\r\n".utf8),
            Array("EHLO x\nMAIL FROM:<a@src.test>\nRCPT TO:<b@dst.test>\nDATA\n.\nQUIT\n".utf8),
        ]

        @Test(.timeLimit(.minutes(1))) func garbageInsteadOfCommands() async throws {
            for bytes in Self.garbage {
                let client = try SMTPClient(to: node.smtp, hello: nil)
                try client.socket.write(bytes)
                try client.socket.write("\r\nNOOP\r\nQUIT\r\n")
                #expect(client.socket.readToEnd(), "the session ends after QUIT, whatever \(bytes.prefix(20)) was")
            }
            var random = SeededRandom(seed: 7)
            for _ in 0..<30 {
                let client = try SMTPClient(to: node.smtp, hello: nil)
                let bytes = (0..<2000).map { _ in UInt8.random(in: 0...255, using: &random) }
                // It may be cut off at any byte.
                try? client.socket.write(bytes)
                client.socket.reset()
            }
            try await isWell("after garbage")
            #expect(peer.transactions.count == 1)
        }

        /// A line of 100 MB as a command, and as content.
        @Test(.timeLimit(.minutes(1))) func lineWithoutEnd() async throws {
            let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1_000_000)
            for begin in ["", "MAIL FROM:<a@src.test>\r\nRCPT TO:<b@dst.test>\r\nDATA\r\n"] {
                let client = try SMTPClient(to: node.smtp)
                try client.socket.write(begin)
                var sent = 0
                // The node may close on the way; it must not keep what it got.
                while sent < 100, (try? client.socket.write(piece)) != nil {
                    sent += 1
                    if sent % 20 == 0 { #expect(node.memory < 500_000_000) }
                }
                client.socket.reset()
            }
            try await isWell("after long lines")
            #expect(peer.transactions.count == 1)
        }

        /// A header section that never ends is refused at its limit, with a reply.
        @Test(.timeLimit(.minutes(1))) func endlessHeader() async throws {
            let client = try SMTPClient(to: node.smtp)
            try client.command("MAIL FROM:<a@src.test>")
            try client.command("RCPT TO:<b@dst.test>")
            #expect(try client.command("DATA").code == 354)
            let field = "X-Endless: " + String(repeating: "y", count: 900) + "\r\n"
            for _ in 0..<3000 { try client.socket.write(field) }
            try client.socket.write("\r\nbody\r\n.\r\n")
            let reply = try client.reply()
            #expect(reply.code / 100 == 5, "\(reply)")
            // The session lives on.
            #expect(try client.command("RSET").code == 250)
            try await isWell("after an endless header")
        }

        @Test(.timeLimit(.minutes(1))) func contentAboveTheLimit() async throws {
            let client = try SMTPClient(to: node.smtp)
            #expect(try client.command("MAIL FROM:<a@src.test> SIZE=5000001").code == 552)
            try client.command("RSET")
            try client.command("MAIL FROM:<a@src.test>")
            try client.command("RCPT TO:<b@dst.test>")
            try client.command("DATA")
            try client.socket.write("Subject: big\r\n\r\n")
            let line = String(repeating: "z", count: 998) + "\r\n"
            for _ in 0..<6000 { try client.socket.write(line) }
            try client.socket.write(".\r\n")
            #expect(try client.reply().code == 552)
            try await isWell("after content above the limit")
        }

        /// BDAT (RFC 3030) with sizes that are wrong, too large, or never come.
        @Test(.timeLimit(.minutes(1))) func chunksOfWrongSize() async throws {
            let sizes = ["-1", "x", "99999999999999999999999", "", "5 FIRST", "1.5", "0x10"]
            for size in sizes {
                let client = try SMTPClient(to: node.smtp)
                try client.command("MAIL FROM:<a@src.test>")
                try client.command("RCPT TO:<b@dst.test>")
                let reply = try client.command("BDAT \(size)")
                #expect(reply.code / 100 == 5, "BDAT \(size): \(reply)")
                client.socket.reset()
            }
            let client = try SMTPClient(to: node.smtp)
            if client.extensions.contains("CHUNKING") {
                // Content that is shorter than announced never becomes a message.
                try client.command("MAIL FROM:<a@src.test>")
                try client.command("RCPT TO:<b@dst.test>")
                try client.socket.write("BDAT 1000 LAST\r\nSubject: short\r\n")
                client.socket.reset()
                let huge = try SMTPClient(to: node.smtp)
                try huge.command("MAIL FROM:<a@src.test>")
                try huge.command("RCPT TO:<b@dst.test>")
                try huge.socket.write("BDAT 4000000000 LAST\r\n")
                huge.socket.reset()
            }
            try await isWell("after chunks of wrong size")
            #expect(peer.transactions.count == 1)
        }

        /// Ends of content that some other server might see: none may smuggle a second message (CVE-2023-51764).
        @Test(
            .timeLimit(.minutes(1)),
            arguments: ["\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\r\n\0.\r\n", "\n.\r"])
        func smuggling(end: String) async throws {
            let client = try SMTPClient(to: node.smtp)
            try client.command("MAIL FROM:<a@src.test>")
            try client.command("RCPT TO:<b@dst.test>")
            #expect(try client.command("DATA").code == 354)
            try client.socket.write(
                "Subject: outer\r\n\r\nbody" + end
                    + "MAIL FROM:<evil@src.test>\r\nRCPT TO:<victim@dst.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n")
            let reply = try client.reply()
            if reply.code == 250 { try await peer.waitFor(1) }
            // One reply for one message, and never one for the smuggled commands.
            #expect(try client.command("RSET").code == 250)
            try await node.waitUntilEmpty()
            let got = peer.transactions
            #expect(got.count <= 1)
            #expect(!got.contains { $0.mail.contains("evil") })
            for transaction in got {
                let bytes = transaction.content
                for (index, byte) in bytes.enumerated() where byte == 10 {
                    #expect(index > 0 && bytes[index - 1] == 13, "a bare LF went out")
                }
            }
        }

        /// A client that is gone at any step leaves no message and no trouble.
        @Test(.timeLimit(.minutes(1))) func clientsThatVanish() async throws {
            let steps = [
                "EHLO x", "MAIL FROM:<a@src.test>", "RCPT TO:<b@dst.test>", "DATA", "Subject: half", "", "body", ".\r",
            ]
            for mode in ["close", "reset"] {
                for count in 0...steps.count {
                    let client = try SMTPClient(to: node.smtp, hello: nil)
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
            try await isWell("after clients that vanished")
            #expect(peer.transactions.count == 1)
        }

        /// A client that sends commands and never reads replies cannot make the node hold them without bound.
        @Test(.timeLimit(.minutes(1))) func clientThatNeverReads() async throws {
            let before = node.memory
            let client = try SMTPClient(to: node.smtp, timeout: 2)
            let commands = String(repeating: "NOOP\r\n", count: 10_000)
            var sent = 0
            // Either the node stops reading, or it closes.
            while sent < 2000, (try? client.socket.write(commands)) != nil { sent += 1 }
            #expect(sent < 2000, "120 MB of commands were taken while no reply was read")
            #expect(node.memory - before < 150_000_000)
            try await isWell("beside a client that never reads")
        }

        /// 1,000 connections that do nothing, and a message beside them.
        @Test(.timeLimit(.minutes(1))) func idleConnections() async throws {
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            if limit.rlim_cur < 4000 {
                limit.rlim_cur = min(4000, limit.rlim_max)
                setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            }
            let idle = try (0..<1000).map { _ in try SMTPClient(to: node.smtp, hello: nil) }
            #expect(try await node.metric("apus_connections") >= 1000)
            try await isWell("beside idle connections")
            for client in idle { client.socket.close() }
            try await wait(until: "the connections are gone") { try await node.metric("apus_connections") < 50 }
        }

        /// Peers misbehave as well: endless and broken replies defer the mail, and hold nobody else's.
        @Test(
            .timeLimit(.minutes(1)),
            arguments: [
                "no reply at all", "999 nonsense", "250", "220-\(String(repeating: "x", count: 100_000))",
                String(repeating: "220-more\r\n", count: 20_000) + "220 end",
            ])
        func brokenPeers(greeting: String) async throws {
            let broken = try Peer { command, _ in command == "CONNECT" ? greeting : nil }
            let own = try await Node.started(
                .init(routes: [
                    ("dst.test", "{relay: \"127.0.0.1:\(peer.port)\"}"),
                    ("broken.test", "{relay: \"127.0.0.1:\(broken.port)\"}"),
                ]))
            let id = try SMTPClient.send(
                to: own.smtp, recipients: ["b@broken.test"], content: TestContent.message())
            let events = try await own.events(of: id, until: "deferred")
            #expect(!events.contains { $0.type == "failed" || $0.type == "delivered" })
            _ = try SMTPClient.send(to: own.smtp, recipients: ["b@dst.test"], content: TestContent.message())
            _ = try await peer.transaction()
        }
    }
}
