import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// TLS in and out (RFC 3207).
    @Suite struct StartTLSTests {
        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("openssl"), "needs openssl"))
        func inbound() async throws {
            let own = try await Certificate(for: "mx.apus.test")
            let peer = try Peer()
            var settings = Node.Settings(routes: [("dst.test", "{relay: \"127.0.0.1:\(peer.port)\"}")])
            settings.ingress = ["tls: {certificate: \(own.certificate), key: \(own.key)}"]
            let node = try await Node.started(settings)
            let client = try ChildProcess(
                "openssl",
                [
                    "s_client", "-starttls", "smtp", "-connect", "127.0.0.1:\(node.smtp)", "-crlf", "-quiet",
                    "-ign_eof", "-CAfile", own.certificate, "-verify_return_error", "-servername", "mx.apus.test",
                ])
            try client.write("EHLO tls.test\n")
            try await client.line(containing: "250 ")
            let offered = client.output.contains { $0.contains("STARTTLS") }
            #expect(!offered, "STARTTLS is not offered again inside TLS (RFC 3207 §4.2)")
            try client.write("MAIL FROM:<a@src.test>\n")
            try await wait(until: "MAIL is answered") { client.output.count { $0.hasPrefix("250 ") } >= 2 }
            try client.write("RCPT TO:<b@dst.test>\nDATA\n")
            try await client.line(containing: "354")
            try client.write("Subject: secret\nMessage-ID: <tls@src.test>\n\nbody\n.\n")
            let accepted = try await client.line(containing: "queued as")
            try client.write("QUIT\n")
            try await client.waitForExit()
            let got = try await peer.transaction()
            #expect(got.text.contains("with ESMTPS "))
            #expect(got.text.contains("\r\nSubject: secret\r\n"))
            let id = try #require(
                accepted.split(whereSeparator: \.isWhitespace).map(String.init).last { $0.utf8.count == 26 })
            let events = try await node.events(of: id, until: "delivered")
            #expect(events.first { $0.type == "accepted" }?.tls?.version?.hasPrefix("TLS") == true)
            #expect(events.last?.tls == nil, "the peer spoke in clear")
        }

        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("openssl"), "needs openssl"))
        func requiredByTheListener() async throws {
            let own = try await Certificate(for: "mx.apus.test")
            var settings = Node.Settings()
            settings.listener = ", tls: {certificate: \(own.certificate), key: \(own.key), required: true}"
            let node = try await Node.started(settings)
            let client = try SMTPClient(to: node.smtp)
            #expect(client.extensions.contains("STARTTLS"))
            #expect(try client.command("MAIL FROM:<a@src.test>").code == 530)
        }

        /// TLS from the first byte (RFC 8314).
        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("openssl"), "needs openssl"))
        func onConnect() async throws {
            let own = try await Certificate(for: "mx.apus.test")
            var settings = Node.Settings()
            settings.listener =
                ", tls_on_connect: true, tls: {certificate: \(own.certificate), key: \(own.key)}"
            let node = try await Node.started(settings)
            let client = try ChildProcess(
                "openssl",
                [
                    "s_client", "-connect", "127.0.0.1:\(node.smtp)", "-crlf", "-quiet", "-CAfile", own.certificate,
                    "-verify_return_error",
                ])
            try await client.line(containing: "220 ")
            try client.write("EHLO tls.test\n")
            try await client.line(containing: "250 ")
            try client.write("QUIT\n")
            try await client.line(containing: "221 ")
            try await client.waitForExit()
        }

        /// Commands sent in clear behind STARTTLS must not count inside TLS.
        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("openssl"), "needs openssl"))
        func injectedCommandsAreDropped() async throws {
            let own = try await Certificate(for: "mx.apus.test")
            var settings = Node.Settings()
            settings.ingress = ["tls: {certificate: \(own.certificate), key: \(own.key)}"]
            let node = try await Node.started(settings)
            let client = try SMTPClient(to: node.smtp)
            try client.socket.write("STARTTLS\r\nMAIL FROM:<evil@src.test>\r\nNOOP\r\n")
            try client.expect(220)
            client.socket.setTimeout(2)
            // No second reply may come in clear: the connection waits for a handshake, or ends.
            let next = try? client.reply()
            #expect(next == nil, "answered in clear: \(String(describing: next))")
            #expect(await node.isReady)
        }

        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("openssl"), "needs openssl"))
        func outboundOpportunistic() async throws {
            let peers = try await Certificate(for: "localhost")
            let sink = try await AioSink.started(certificate: (peers.certificate, peers.key))
            var settings = Node.Settings(routes: [("dst.test", "{relay: \"127.0.0.1:\(sink.port)\"}")])
            settings.sender = ["tls": "opportunistic"]
            let node = try await Node.started(settings)
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["b@dst.test"], content: TestContent.message())
            let events = try await node.events(of: id, until: "delivered")
            let tls = try #require(events.last?.tls)
            #expect(tls.version?.hasPrefix("TLS") == true)
            #expect(tls.policy == "opportunistic")
            #expect(tls.verified == false, "the certificate is self-signed")
            #expect(try sink.facts.map(\.tls) == [true])
            try await sink.stop()
        }

        /// Where STARTTLS does not work, mail without a policy goes in clear.
        @Test(.timeLimit(.minutes(10)), arguments: ["454 4.7.0 not now", "220 2.0.0 go ahead"])
        func brokenStartTLS(answer: String) async throws {
            let peer = try Peer(extensions: Peer.usualExtensions + ["STARTTLS"]) { command, _ in
                command == "STARTTLS" ? answer : nil
            }
            var settings = Node.Settings(routes: [("dst.test", "{relay: \"127.0.0.1:\(peer.port)\"}")])
            settings.sender = ["tls": "opportunistic"]
            let node = try await Node.started(settings)
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["b@dst.test"], content: TestContent.message())
            let events = try await node.events(of: id, until: "delivered")
            #expect(events.last?.tls?.version == nil)
            #expect(peer.transactions.count == 1)
            #expect(peer.commands.contains("STARTTLS"))
        }

        /// Where the route requires TLS, nothing goes in clear.
        @Test(.timeLimit(.minutes(10))) func requiredTLSNeverFallsBack() async throws {
            let peer = try Peer(extensions: Peer.usualExtensions + ["STARTTLS"])
            let node = try await Node.started(
                .init(routes: [("dst.test", "{relay: \"127.0.0.1:\(peer.port)\", tls: required}")]))
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["b@dst.test"], content: TestContent.message())
            let events = try await node.events(of: id, until: "deferred")
            #expect(events.map(\.type).contains("accepted"))
            #expect(peer.transactions.isEmpty)
            #expect(!peer.commands.contains { $0.hasPrefix("MAIL") })
        }
    }
}
