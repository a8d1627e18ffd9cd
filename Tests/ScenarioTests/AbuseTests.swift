import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// Clients that do too much, err too often, or talk too early; and those beside them.
    @Suite struct AbuseTests {
        private func node(_ ingress: [String]) async throws -> Node {
            var settings = Node.Settings(routes: [("*.invalid", "{discard: true}")])
            settings.listener = ", relay_from: [127.0.0.7/32]"
            settings.ingress = ["domains: [own.invalid]"] + ingress
            return try await Node.started(settings)
        }

        @Test(.timeLimit(.minutes(10))) func limitsOfSingleClients() async throws {
            let node = try await node([
                "client_limits: {connection_rate: 5/h, message_rate: 3/h, recipient_rate: 4/h, error_rate: 2/h}"
            ])
            let client = try SMTPClient(to: node.smtp)
            for _ in 0..<3 {
                let reply = try client.send(
                    from: "a@src.test", to: ["b@own.invalid"], content: "Subject: x\r\n\r\nx\r\n")
                #expect(reply.code == 250)
            }
            #expect(try client.command("MAIL FROM:<a@src.test>").text.hasPrefix("4.7.1 Too many messages"))
            let trusted = try SMTPClient(to: node.smtp, from: "127.0.0.7")
            for _ in 0..<10 {
                let reply = try trusted.send(
                    from: "a@src.test", to: ["b@x.invalid"], content: "Subject: x\r\n\r\nx\r\n")
                #expect(reply.code == 250)
            }
            #expect(try client.command("FROB").code == 500)
            try client.socket.write("FROB\r\nFROB\r\n")
            #expect(try client.reply().code == 500)
            #expect(try client.reply().code == 500)
            #expect(try client.expect(421).text.contains("Too many errors from you"))
            #expect(client.socket.readToEnd())
            #expect(throws: TestKitError.self) { try SMTPClient(to: node.smtp) }
            let other = try SMTPClient(to: node.smtp, from: "127.0.0.8")
            other.quit()
            for limit in ["message_rate", "error_rate"] {
                let name = "apus_client_limit_refusals_total{listener=\"in\",limit=\"\(limit)\"}"
                #expect(try await node.metrics()[name] ?? 0 >= 1, "\(limit)")
            }
            #expect(node.log.count { $0.contains("a client is over its limit") && $0.contains("127.0.0.1") } == 1)
        }

        @Test(.timeLimit(.minutes(10))) func silenceBeforeTheGreeting() async throws {
            let node = try await node(["greet_delay: 1s"])
            let clock = ContinuousClock()
            // Until it is early enough: on a machine that stands still between two lines, it is greeted.
            try await wait(until: "a client that talks first is sent away") {
                let talker = try Socket(to: node.smtp)
                try talker.write("EHLO spam.test\r\n")
                let line = try talker.readLine().map { String(decoding: $0, as: UTF8.self) }
                return line?.hasPrefix("554 5.5.1") == true && talker.readToEnd()
            }
            let asked = clock.now
            let patient = try SMTPClient(to: node.smtp)
            #expect(clock.now - asked >= .seconds(1))
            let reply = try patient.send(from: "a@src.test", to: ["b@own.invalid"], content: "Subject: x\r\n\r\nx\r\n")
            #expect(reply.code == 250)
            #expect(try await node.metric("apus_early_talkers_total") == 1)
            // Trusted clients are greeted at once, even when they talk first.
            let trusted = try Socket(to: node.smtp, from: "127.0.0.7")
            try trusted.write("EHLO own.test\r\n")
            #expect(try trusted.readLine().map { String(decoding: $0, as: UTF8.self).hasPrefix("220") } == true)
        }

        @Test(.timeLimit(.minutes(10))) func tarpit() async throws {
            let node = try await node(["tarpit: {after: 1, delay: 500ms}"])
            let client = try SMTPClient(to: node.smtp)
            try client.command("FROB")
            let clock = ContinuousClock()
            for round in 1...2 {
                let began = clock.now
                #expect(try client.command("FROB").code == 500)
                #expect(clock.now - began >= .milliseconds(500), "round \(round)")
            }
            // An accepted message makes up for it.
            let reply = try client.send(from: "a@src.test", to: ["b@own.invalid"], content: "Subject: x\r\n\r\nx\r\n")
            #expect(reply.code == 250)
            #expect(try client.command("QUIT").code == 221)
        }
    }
}
