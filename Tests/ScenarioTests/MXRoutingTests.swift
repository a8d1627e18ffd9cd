import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// Delivery by MX (RFC 5321 §5.1) through a real resolver, to hosts on loopback addresses of their own.
    @Suite(.enabled(if: Tool.exist("unbound"), "needs unbound")) struct MXRoutingTests {
        private let port: Int
        private let unbound: Unbound
        private let node: Node
        private let dsns: Peer

        init() async throws {
            port = try LoopbackPort.free()
            dsns = try Peer()
            unbound = try await Unbound.started(
                zones: ["dst.test."],
                records: [
                    "order.dst.test. MX 10 a.dst.test.", "order.dst.test. MX 20 b.dst.test.",
                    "equal.dst.test. MX 10 b.dst.test.", "equal.dst.test. MX 10 c.dst.test.",
                    "implicit.dst.test. A 127.0.0.12", "null.dst.test. MX 0 .",
                    "nohost.dst.test. TXT \"nothing else\"",
                    "a.dst.test. A 127.0.0.11", "b.dst.test. A 127.0.0.12", "c.dst.test. A 127.0.0.13",
                ])
            var settings = Node.Settings(routes: [("src.test", "{relay: \"127.0.0.1:\(dsns.port)\"}")])
            settings.dnsPort = unbound.port
            // A connection a message, so that each message chooses its host.
            let lane = "{connections: 20, messages_per_connection: 1, connection_rate: unlimited}"
            settings.sender = ["port": "\(port)", "lane": lane]
            node = try await Node.started(settings)
        }

        private func send(to domain: String) throws -> String {
            try SMTPClient.send(to: node.smtp, recipients: ["b@\(domain)"], content: TestContent.message(domain))
        }

        @Test(.timeLimit(.minutes(10))) func theBestHostIsUsed() async throws {
            let (best, second) = (try Peer(at: "127.0.0.11", port: port), try Peer(at: "127.0.0.12", port: port))
            let id = try send(to: "order.dst.test")
            let events = try await node.events(of: id, until: "delivered")
            #expect(events.last?.remote?.host == "a.dst.test")
            #expect(events.last?.remote?.address?.hasPrefix("127.0.0.11") == true)
            #expect(best.transactions.count == 1)
            #expect(second.connections == 0)
        }

        /// The best host is dead, and the next takes the mail in the same attempt.
        @Test(.timeLimit(.minutes(10))) func theNextHostTakesOver() async throws {
            let second = try Peer(at: "127.0.0.12", port: port)
            let ids = try (0..<5).map { _ in try send(to: "order.dst.test") }
            try await second.waitFor(5)
            for id in ids {
                let events = try await node.events(of: id, until: "delivered")
                #expect(events.map(\.type) == ["accepted", "delivered"], "a dead host is no failed attempt")
                #expect(events.last?.remote?.host == "b.dst.test")
            }
        }

        /// The best host greets with 421 or 554: the next one takes the mail.
        @Test(.timeLimit(.minutes(10)), arguments: ["421 4.3.2 busy", "554 5.3.2 no mail here"])
        func aHostThatRefusesSessions(greeting: String) async throws {
            let best = try Peer(at: "127.0.0.11", port: port) { command, _ in
                command == "CONNECT" ? greeting : nil
            }
            let second = try Peer(at: "127.0.0.12", port: port)
            let id = try send(to: "order.dst.test")
            let events = try await node.events(of: id, until: "delivered")
            #expect(events.filter { $0.type == "failed" }.isEmpty)
            #expect(second.transactions.count == 1)
            #expect(best.connections > 0)
        }

        @Test(.timeLimit(.minutes(10))) func equalHostsShareTheLoad() async throws {
            let (one, other) = (try Peer(at: "127.0.0.12", port: port), try Peer(at: "127.0.0.13", port: port))
            for _ in 0..<60 { _ = try send(to: "equal.dst.test") }
            try await wait(until: "all are delivered") {
                one.transactions.count + other.transactions.count >= 60
            }
            // Each has 20 to 40 of 60, but for one run in a hundred; none at all is 2^-59.
            #expect(one.connections > 0 && other.connections > 0)
        }

        @Test(.timeLimit(.minutes(10))) func withoutMXTheAddressCounts() async throws {
            let peer = try Peer(at: "127.0.0.12", port: port)
            let id = try send(to: "implicit.dst.test")
            let events = try await node.events(of: id, until: "delivered")
            #expect(events.last?.remote?.host == "implicit.dst.test")
            #expect(peer.transactions.count == 1)
        }

        /// Null MX (RFC 7505), no such domain, and a domain without a host fail at once, with a DSN.
        @Test(
            .timeLimit(.minutes(10)),
            arguments: [("null.dst.test", "5.1.10"), ("nx.dst.test", "5.1.2"), ("nohost.dst.test", "5.4.4")])
        func domainsThatTakeNoMail(domain: String, status: String) async throws {
            let id = try send(to: domain)
            let events = try await node.events(of: id, until: "failed")
            #expect(events.map(\.type) == ["accepted", "failed"])
            #expect(events.last?.reply?.enhanced == status)
            let dsn = try await dsns.transaction()
            #expect(dsn.mail.hasPrefix("<>"))
            #expect(dsn.recipients.first?.hasPrefix("<a@src.test>") == true)
            #expect(dsn.text.contains("Status: \(status)"))
            #expect(dsn.text.contains("rfc822;b@\(domain)") || dsn.text.contains("rfc822; b@\(domain)"))
        }

        /// A resolver that does not answer is no reason to fail mail.
        @Test(.timeLimit(.minutes(10))) func aDeadResolverDefers() async throws {
            var settings = Node.Settings()
            settings.dnsPort = try LoopbackPort.free()
            settings.sender = ["port": "\(port)"]
            let deaf = try await Node.started(settings)
            let id = try SMTPClient.send(
                to: deaf.smtp, recipients: ["b@order.dst.test"], content: TestContent.message())
            let events = try await deaf.events(of: id, until: "deferred")
            #expect(!events.contains { $0.type == "failed" })
            #expect(events.last?.class == "routing-errors")
        }
    }
}
