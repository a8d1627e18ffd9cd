import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// A real balancer in front, and clients that send a PROXY header themselves.
    @Suite struct BalancerTests {
        private let peer: Peer

        init() throws { peer = try Peer() }

        /// The balancer is 127.0.0.1 and may relay to nowhere; 127.0.0.7 behind it may.
        private func node(_ listener: String = "", ingress: [String] = []) async throws -> Node {
            var settings = Node.Settings(routes: [("dst.test", "{relay: \"127.0.0.1:\(peer.port)\"}")])
            settings.listener =
                ", proxy_protocol: {from: [127.0.0.1/32], timeout: 5s}, relay_from: [127.0.0.7/32, 192.0.2.0/24]\(listener)"
            settings.ingress = ["domains: [own.test]"] + ingress
            return try await Node.started(settings)
        }

        private func swaks(_ port: Int, _ options: [String]) async throws -> ChildProcess.Exit {
            try await ChildProcess.run(
                "swaks",
                ["--server", "127.0.0.1:\(port)", "--helo", "swaks.test", "--from", "a@src.test", "--to", "b@dst.test"]
                    + options
            ).exit
        }

        /// Status of swaks when no recipient was accepted.
        private let refused = ChildProcess.Exit.code(24)

        @Test(
            .timeLimit(.minutes(10)), .enabled(if: Tool.exist("haproxy", "swaks"), "needs HAProxy and swaks"),
            arguments: [
                "send-proxy check check-send-proxy", "send-proxy-v2 check check-send-proxy",
                "send-proxy-v2 proxy-v2-options unique-id,crc32c check check-send-proxy",
            ])
        func haproxy(server: String) async throws {
            let node = try await node()
            let balancer = try await HAProxy.started(to: node.smtp, server: server)
            // Health checks are connections of the balancer itself.
            try await wait(until: "HAProxy sees a mail server") { try await balancer.checkStatus() == "L7OK" }
            #expect(try await swaks(balancer.port, ["--local-interface", "127.0.0.8"]) == refused)
            #expect(try await swaks(balancer.port, ["--local-interface", "127.0.0.7"]) == .code(0))
            let got = try await peer.transaction()
            let field = try #require(got.field("Received"))
            #expect(field.contains("from swaks.test ([127.0.0.7])"))
            let id = try #require(
                field.split(whereSeparator: \.isWhitespace).map(String.init).first { $0.utf8.count == 26 })
            let events = try await node.events(of: id, until: "delivered")
            #expect(events.first { $0.type == "accepted" }?.client?.address == "127.0.0.7")
            #expect(try await node.metric("apus_proxy_header_refusals_total") == 0)
            #expect(!node.log.contains { $0.contains("PROXY") })
        }

        /// The header comes before the handshake, in clear.
        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("haproxy", "openssl"), "needs HAProxy and openssl"))
        func haproxyBeforeTLSOnConnect() async throws {
            let own = try await Certificate(for: "mx.apus.test")
            let node = try await node(
                ", tls_on_connect: true", ingress: ["tls: {certificate: \(own.certificate), key: \(own.key)}"])
            let balancer = try await HAProxy.started(to: node.smtp, server: "send-proxy-v2")
            let client = try ChildProcess(
                "openssl",
                [
                    "s_client", "-connect", "127.0.0.1:\(balancer.port)", "-bind", "127.0.0.7:0", "-crlf", "-quiet",
                    "-ign_eof", "-CAfile", own.certificate, "-verify_return_error", "-servername", "mx.apus.test",
                ])
            try await client.line(containing: "220 ")
            try client.write("EHLO tls.test\nMAIL FROM:<a@src.test>\nRCPT TO:<b@dst.test>\nDATA\n")
            try await client.line(containing: "354")
            try client.write("Subject: secret\n\nbody\n.\nQUIT\n")
            try await client.line(containing: "queued as")
            try await client.waitForExit()
            let field = try #require(try await peer.transaction().field("Received"))
            #expect(field.contains("from tls.test ([127.0.0.7])") && field.contains("with ESMTPS"))
        }

        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("swaks"), "needs swaks"), arguments: ["1", "2"])
        func swaksSpeaksForOthers(version: String) async throws {
            let node = try await node()
            func proxy(_ family: String, _ source: String) -> [String] {
                let family =
                    version == "1" ? (family == "IPv4" ? "TCP4" : "TCP6") : (family == "IPv4" ? "AF_INET" : "AF_INET6")
                let destination = source.contains(":") ? "2001:db8::25" : "198.51.100.25"
                return [
                    "--proxy-version", version, "--proxy-family", family, "--proxy-source", source,
                    "--proxy-source-port",
                    "40000", "--proxy-dest", destination, "--proxy-dest-port", "25",
                ]
            }
            #expect(try await swaks(node.smtp, proxy("IPv4", "203.0.113.1")) == refused)
            #expect(try await swaks(node.smtp, proxy("IPv4", "192.0.2.1")) == .code(0))
            #expect(try await peer.transaction().field("Received")?.contains("([192.0.2.1])") == true)
            #expect(try await swaks(node.smtp, proxy("IPv6", "2001:db8::7") + ["--to", "b@own.test"]) == .code(0))
        }

        /// Broken, missing and slow headers end the connection without a word, and a line in the log says so.
        @Test(.timeLimit(.minutes(10))) func malformedHeaders() async throws {
            let node = try await node()
            let bad: [[UInt8]] = [
                Array("EHLO c\r\n".utf8), Array("PROXY TCP4 192.0.2.1 198.51.100.1 70000 25\r\n".utf8),
                Array("PROXY TCP4 192.0.2.1 198.51.100.1 7000 25\n".utf8),
                Array(("PROXY UNKNOWN " + String(repeating: "x", count: 200)).utf8),
                [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10, 0x31, 0x11, 0, 12],
                [22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3],
                [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10, 0x21, 0x11, 0xFF, 0xFF],
            ]
            for bytes in bad {
                let socket = try Socket(to: node.smtp)
                try socket.write(bytes)
                #expect(try socket.readLine() == nil, "\(bytes.prefix(20))")
            }
            // Half a header, and then nothing.
            let slow = try Socket(to: node.smtp)
            try slow.write("PROXY TCP4 192.0.2.1 ")
            #expect(try slow.readLine() == nil)
            #expect(try await node.metric("apus_proxy_header_refusals_total") == Double(bad.count + 1))
            #expect(node.log.count { $0.contains("without a valid PROXY header") } == bad.count + 1)
            #expect(node.log.contains { $0.contains("no PROXY header in time") && $0.contains("127.0.0.1") })
            // Octet by octet is slow, not wrong; and the rest of the last packet is the client's.
            let patient = try SMTPClient(to: node.smtp, octetByOctet: "PROXY TCP4 192.0.2.1 198.51.100.1 7000 25\r\n")
            #expect(
                try patient.send(from: "a@src.test", to: ["b@dst.test"], content: "Subject: x\r\n\r\nx\r\n").code == 250
            )
        }

        /// Not in the list: served as itself, whatever else the listener expects, and never believed.
        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("swaks"), "needs swaks")) func strangers() async throws
        {
            let node = try await node()
            #expect(try await swaks(node.smtp, ["--local-interface", "127.0.0.7"]) == .code(0))
            #expect(try await swaks(node.smtp, ["--local-interface", "127.0.0.9"]) == refused)
            let socket = try Socket(to: node.smtp, from: "127.0.0.9")
            _ = try socket.readLine()
            try socket.write("PROXY TCP4 127.0.0.7 127.0.0.1 7000 25\r\nEHLO c\r\nMAIL FROM:<a@src.test>\r\n")
            #expect(try socket.readLine().map { String(decoding: $0, as: UTF8.self).hasPrefix("554 5.5.1 ") } == true)
            #expect(socket.readToEnd())
        }
    }
}
