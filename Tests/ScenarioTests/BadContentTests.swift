import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// Content that is too long, too large, cut short, or made to be read in two ways.
    @Suite struct BadContentTests {
        private let bad: BadInput

        init() async throws { bad = try await BadInput() }

        /// A line of 100 MB as a command, and as content.
        @Test(.timeLimit(.minutes(10))) func lineWithoutEnd() async throws {
            let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1_000_000)
            for begin in ["", "MAIL FROM:<a@src.test>\r\nRCPT TO:<b@dst.test>\r\nDATA\r\n"] {
                let client = try SMTPClient(to: bad.node.smtp)
                try client.socket.write(begin)
                var sent = 0
                // The node may close on the way; it must not keep what it got.
                while sent < 100, (try? client.socket.write(piece)) != nil {
                    sent += 1
                    if sent % 20 == 0 { #expect(bad.node.memory < 500_000_000) }
                }
                client.socket.reset()
            }
            try await bad.isWell("after long lines")
            #expect(bad.peer.transactions.count == 1)
        }

        /// A header section that never ends is refused at its limit, with a reply.
        @Test(.timeLimit(.minutes(10))) func endlessHeader() async throws {
            let client = try SMTPClient(to: bad.node.smtp)
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
            try await bad.isWell("after an endless header")
        }

        @Test(.timeLimit(.minutes(10))) func contentAboveTheLimit() async throws {
            let client = try SMTPClient(to: bad.node.smtp)
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
            try await bad.isWell("after content above the limit")
        }

        /// BDAT (RFC 3030) with sizes that are wrong, too large, or never come.
        @Test(.timeLimit(.minutes(10))) func chunksOfWrongSize() async throws {
            let sizes = ["-1", "x", "99999999999999999999999", "", "5 FIRST", "1.5", "0x10"]
            for size in sizes {
                let client = try SMTPClient(to: bad.node.smtp)
                try client.command("MAIL FROM:<a@src.test>")
                try client.command("RCPT TO:<b@dst.test>")
                let reply = try client.command("BDAT \(size)")
                #expect(reply.code / 100 == 5, "BDAT \(size): \(reply)")
                client.socket.reset()
            }
            let client = try SMTPClient(to: bad.node.smtp)
            if client.extensions.contains("CHUNKING") {
                // Content that is shorter than announced never becomes a message.
                try client.command("MAIL FROM:<a@src.test>")
                try client.command("RCPT TO:<b@dst.test>")
                try client.socket.write("BDAT 1000 LAST\r\nSubject: short\r\n")
                client.socket.reset()
                let huge = try SMTPClient(to: bad.node.smtp)
                try huge.command("MAIL FROM:<a@src.test>")
                try huge.command("RCPT TO:<b@dst.test>")
                try huge.socket.write("BDAT 4000000000 LAST\r\n")
                huge.socket.reset()
            }
            try await bad.isWell("after chunks of wrong size")
            #expect(bad.peer.transactions.count == 1)
        }

        /// Ends of content that some other server might see: none may smuggle a second message (CVE-2023-51764).
        @Test(
            .timeLimit(.minutes(10)),
            arguments: ["\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\r\n\0.\r\n", "\n.\r"])
        func smuggling(end: String) async throws {
            let client = try SMTPClient(to: bad.node.smtp)
            try client.command("MAIL FROM:<a@src.test>")
            try client.command("RCPT TO:<b@dst.test>")
            #expect(try client.command("DATA").code == 354)
            try client.socket.write(
                "Subject: outer\r\n\r\nbody" + end
                    + "MAIL FROM:<evil@src.test>\r\nRCPT TO:<victim@dst.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"
            )
            let reply = try client.reply()
            if reply.code == 250 { try await bad.peer.waitFor(1) }
            // One reply for one message, and never one for the smuggled commands.
            #expect(try client.command("RSET").code == 250)
            try await bad.node.waitUntilEmpty()
            let got = bad.peer.transactions
            #expect(got.count <= 1)
            #expect(!got.contains { $0.mail.contains("evil") })
            for transaction in got {
                let bytes = transaction.content
                for (index, byte) in bytes.enumerated() where byte == 10 {
                    #expect(index > 0 && bytes[index - 1] == 13, "a bare LF went out")
                }
            }
        }
    }
}
