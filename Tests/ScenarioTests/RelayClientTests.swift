import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// Real clients hand in mail; what the peer gets is what they sent, below one new trace field.
    @Suite struct RelayClientTests {
        private let peer: Peer
        private let node: Node

        init() async throws {
            peer = try Peer()
            node = try await Node.started(.init(routes: [("dst.test", "{relay: \"127.0.0.1:\(peer.port)\"}")]))
        }

        /// Everything that a careless relay would change.
        private let content =
            "From: A <a@src.test>\r\nTo: B <b@dst.test>\r\nSubject: =?utf-8?Q?caf=C3=A9?=\r\n"
            + "Date: Sun, 01 Mar 2026 10:00:00 +0000\r\nMessage-ID: <relay@src.test>\r\n"
            + "X-Folded: one\r\n\ttwo  \r\nContent-Type: text/plain; charset=utf-8\r\n"
            + "Content-Transfer-Encoding: 8bit\r\n\r\n.\r\n..two\r\n.one\r\n8 bit: äöü €\r\n\ttab and trailing  \r\n"
            + String(repeating: "x", count: 990) + "\r\n\r\n\r\nFrom here\r\n"

        /// The content as the peer has it, less the trace field at its top.
        private func belowTrace(_ transaction: Peer.Transaction) throws -> String {
            let text = transaction.text
            try #require(text.hasPrefix("Received: from "))
            var lines = text.components(separatedBy: "\r\n")
            lines.removeFirst()
            while let first = lines.first, first.hasPrefix(" ") || first.hasPrefix("\t") { lines.removeFirst() }
            return lines.joined(separator: "\r\n")
        }

        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("swaks"), "needs swaks"))
        func swaks() async throws {
            let file = try node.directory.write(content.replacingOccurrences(of: "\r\n", with: "\n"), to: "swaks.eml")
            let sent = try await ChildProcess.run(
                "swaks",
                [
                    "--server", "127.0.0.1:\(node.smtp)", "--helo", "swaks.test", "--from", "a@src.test", "--to",
                    "b@dst.test", "--data", "@\(file)",
                ])
            #expect(sent.exit == .code(0), "\(sent.output.suffix(5))")
            let got = try await peer.transaction()
            #expect(try belowTrace(got) == content || belowTrace(got) == content + "\r\n")
            #expect(got.mail.hasPrefix("<a@src.test>"))
            #expect(got.recipients.first?.hasPrefix("<b@dst.test>") == true)
            let received = try #require(got.field("Received"))
            #expect(received.contains("swaks.test"))
        }

        @Test(.timeLimit(.minutes(10)))
        func smtplib() async throws {
            let file = try node.directory.write(content, to: "smtplib.eml")
            let sent = try await ChildProcess.run(
                Tool.python(), [Tool.script("send.py"), "\(node.smtp)", "a@src.test", "b@dst.test", file])
            #expect(sent.exit == .code(0), "\(sent.errors)")
            let got = try await peer.transaction()
            #expect(try belowTrace(got) == content)
            #expect(got.mail.contains("BODY=8BITMIME"))
        }

        @Test(.timeLimit(.minutes(10)))
        func internationalAddresses() async throws {
            let client = try SMTPClient(to: node.smtp)
            #expect(client.extensions.contains("SMTPUTF8"))
            let reply = try client.send(
                from: "jürgen@src.test", to: ["用户@dst.test"], mail: " SMTPUTF8 BODY=8BITMIME",
                content: "Subject: täst\r\nMessage-ID: <utf8@src.test>\r\n\r\nx\r\n")
            #expect(reply.code == 250)
            let got = try await peer.transaction()
            #expect(got.mail.hasPrefix("<jürgen@src.test>"))
            #expect(got.mail.contains("SMTPUTF8"))
            #expect(got.recipients.first?.hasPrefix("<用户@dst.test>") == true)
            #expect(got.text.contains("Subject: täst\r\n"))
        }

        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("smtp-source"), "needs Postfix"))
        func smtpSource() async throws {
            let sent = try await ChildProcess.run(
                "smtp-source",
                [
                    "-s", "5", "-l", "4096", "-m", "100", "-f", "a@src.test", "-t", "b@dst.test",
                    "127.0.0.1:\(node.smtp)",
                ])
            #expect(sent.exit == .code(0), "\(sent.errors)")
            try await peer.waitFor(100)
            try await node.waitUntilEmpty()
            #expect(peer.transactions.count == 100)
            #expect(peer.transactions.allSatisfy { $0.content.count >= 4096 })
            #expect(Set(peer.transactions.compactMap { $0.field("Received") }).count == 100)
        }

        /// BDAT (RFC 3030) needs no dot-stuffing on the way in; the next hop gets DATA all the same.
        @Test(.timeLimit(.minutes(10))) func chunks() async throws {
            let client = try SMTPClient(to: node.smtp)
            #expect(client.extensions.contains("CHUNKING"))
            try client.command("MAIL FROM:<a@src.test> BODY=8BITMIME")
            try client.command("RCPT TO:<b@dst.test>")
            let bytes = Array(content.utf8)
            // Chunks end in the middle of lines, one of them between CR and LF.
            let cuts = [0, 10, content.utf8.count / 2, bytes.lastIndex(of: 10) ?? 0, bytes.count]
            for (start, end) in zip(cuts, cuts.dropFirst()) {
                try client.socket.write("BDAT \(end - start)\(end == bytes.count ? " LAST" : "")\r\n")
                try client.socket.write(Array(bytes[start..<end]))
                try client.expect(250)
            }
            #expect(try belowTrace(try await peer.transaction()) == content)
        }

        /// A message of many megabytes passes unchanged.
        @Test(.timeLimit(.minutes(10))) func largeMessage() async throws {
            var random = SeededRandom(seed: 5)
            let line = String((0..<500).map { _ in "0123456789.abcdef".randomElement(using: &random) ?? "x" })
            var body = ""
            while body.utf8.count < 10_000_000 {
                body += line + "\r\n" + line.dropFirst(body.utf8.count % 400) + "\r\n"
            }
            let large = TestContent.message("large", body: body)
            let id = try SMTPClient.send(to: node.smtp, recipients: ["b@dst.test"], content: large)
            _ = try await node.events(of: id, until: "delivered")
            let got = try await peer.transaction()
            #expect(got.content.suffix(large.utf8.count).elementsEqual(large.utf8))
            #expect(node.memory < 500_000_000)
        }

        /// Wishes are read from clients that may relay, and never leave the node.
        @Test(.timeLimit(.minutes(10))) func wishFieldsAreStripped() async throws {
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["b@dst.test"],
                content: TestContent.message(
                    fields: ["X-Apus-Tenant: t1", "X-Apus-Campaign: spring", "x-apus-tag-colour: red", "X-Other: kept"])
            )
            let got = try await peer.transaction()
            #expect(!got.text.lowercased().contains("x-apus"))
            #expect(got.field("X-Other") == "kept")
            #expect(got.field("Received")?.isEmpty == false)
            #expect(got.text.contains(id), "the trace field names the queue ID")
            let events = try await node.events(of: id, until: "delivered")
            #expect(events.map(\.type) == ["accepted", "delivered"])
            #expect(events.last?.reply?.code == 250)
            #expect(events.last?.remote?.address?.hasPrefix("127.0.0.1") == true)
        }

        @Test(.timeLimit(.minutes(10))) func aMessageWithoutARouteToRelayIsRefused() async throws {
            let own = try await Node.started(
                {
                    var settings = Node.Settings(routes: [("dst.test", "{relay: \"127.0.0.1:\(peer.port)\"}")])
                    settings.listener = ", relay_from: []"
                    settings.ingress = ["domains: [dst.test]"]
                    return settings
                }())
            let client = try SMTPClient(to: own.smtp)
            try client.command("MAIL FROM:<a@src.test>")
            #expect(try client.command("RCPT TO:<b@elsewhere.test>").code == 550)
            #expect(try client.command("RCPT TO:<b@dst.test>").code == 250)
        }
    }
}
