import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// A transport table of Postfix says where mail goes.
    @Suite struct TransportTableTests {
        @Test(.timeLimit(.minutes(10))) func mailGoesByLMTP() async throws {
            let sink = try await AioSink.started(lmtp: true)
            let files = try ScratchDirectory("apus-transport")
            try files.write("box.test lmtp:inet:127.0.0.1:\(sink.port)\n", to: "transport")
            var settings = Node.Settings()
            settings.lines = ["transport: \(files.file("transport"))"]
            let node = try await Node.started(settings)
            let id = try SMTPClient.send(to: node.smtp, recipients: ["a@box.test"], content: TestContent.message())
            let delivered = try await node.events(of: id, until: "delivered")
            #expect(delivered.contains { $0.type == "delivered" && $0.recipient == "a@box.test" })
            #expect(try sink.facts.map(\.to) == [["a@box.test"]])
            try await sink.stop()
        }

        @Test(.timeLimit(.minutes(10))) func domainsGoWhereTheTableSays() async throws {
            let (one, other, route) = (try Peer(), try Peer(), try Peer())
            let files = try ScratchDirectory("apus-transport")
            func write(_ port: Int) throws {
                try files.write(
                    "one.test smtp:[127.0.0.1]:\(port)\n.sub.test relay:[127.0.0.1]:\(other.port)\n"
                        + "void.test discard:\ngone.test error:5.1.2 no such domain here\n"
                        + "routed.test smtp:[127.0.0.1]:1\n", to: "transport")
            }
            try write(one.port)
            var settings = Node.Settings(routes: [("routed.test", "{relay: \"127.0.0.1:\(route.port)\"}")])
            settings.lines = ["transport: \(files.file("transport"))"]
            let node = try await Node.started(settings)
            func send(_ recipient: String, until type: String = "delivered") async throws -> Event? {
                let id = try SMTPClient.send(to: node.smtp, recipients: [recipient], content: TestContent.message())
                return try await node.events(of: id, until: type).first { $0.type == type }
            }
            _ = try await send("a@one.test")
            _ = try await send("a@x.sub.test")
            _ = try await send("a@void.test")
            // A route of the configuration comes first.
            _ = try await send("a@routed.test")
            #expect([one, other, route].map(\.transactions.count) == [1, 1, 1])
            let failed = try await send("a@gone.test", until: "failed")
            #expect(failed?.reply?.code == 550 && failed?.reply?.enhanced == "5.1.2")
            #expect(failed?.reply?.text == "no such domain here")

            try files.write("one.test local:\n", to: "transport")
            let wrong = try await Apus.run(["reload", "--config", node.configuration])
            #expect(wrong.errors.joined().contains("transport:1: one.test: \"local:\""), "\(wrong.errors)")
            _ = try await send("b@one.test")
            #expect(one.transactions.count == 2)
            try write(other.port)
            #expect(try await Apus.run(["reload", "--config", node.configuration]).exit == .code(0))
            _ = try await send("c@one.test")
            #expect(one.transactions.count == 2 && other.transactions.count == 2)
        }
    }
}
