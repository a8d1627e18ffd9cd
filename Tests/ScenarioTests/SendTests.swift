import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// `apus send` → node → `apus sink`: the first mail a newcomer sends.
    @Suite struct SendTests {
        @Test(.timeLimit(.minutes(10))) func oneAndMany() async throws {
            let files = try ScratchDirectory()
            let sink = try await ApusSink.started(["--record-header", "X-Unique-ID"], in: files)
            let node = try await Node.started(.init(routes: [("dst.test", "{relay: \"127.0.0.1:\(sink.port)\"}")]))
            let server = ["--server", "127.0.0.1:\(node.smtp)", "--from", "a@src.test"]
            let one = try await Apus.run(["send"] + server + ["--to", "b@dst.test", "--to", "c@dst.test"])
            #expect(one.exit == .code(0), "\(one.errors)")
            #expect((one.output + one.errors).contains { $0.contains("queued as") })
            let many = try await Apus.run(
                ["send"] + server + ["--to", "b@dst.test", "--count", "200", "--sessions", "4", "--size", "4KB"])
            #expect(many.exit == .code(0), "\(many.errors)")
            try await node.waitUntilEmpty()
            let records = try await sink.stop()
            #expect(records.count == 201)
            #expect(records.contains { $0.recipients.sorted() == ["b@dst.test", "c@dst.test"] })
            #expect(Set(records.compactMap { $0.headers?.values.first }).count == 201)
        }

        @Test(.timeLimit(.minutes(10))) func exitCodes() async throws {
            var settings = Node.Settings()
            settings.listener = ", relay_from: []"
            let node = try await Node.started(settings)
            let envelope = ["--from", "a@src.test", "--to", "b@dst.test"]
            let refused = try await Apus.run(["send", "--server", "127.0.0.1:\(node.smtp)"] + envelope)
            #expect(refused.exit == .code(1), "\(refused)")
            let nobody = try await Apus.run(["send", "--server", "127.0.0.1:\(try LoopbackPort.free())"] + envelope)
            #expect(nobody.exit == .code(69), "\(nobody)")
            #expect(try await Apus.run(["send", "--to", "b@dst.test"]).exit == .code(64))
        }

        /// The answers of `apus sink` by recipient, as the node's events see them.
        @Test(.timeLimit(.minutes(10))) func recipientsThatAskForAnAnswer() async throws {
            let files = try ScratchDirectory()
            let sink = try await ApusSink.started([], in: files)
            let node = try await Node.started(.init(routes: [("dst.test", "{relay: \"127.0.0.1:\(sink.port)\"}")]))
            let id = try SMTPClient.send(
                to: node.smtp, from: "", recipients: ["success@dst.test", "bounce+x@dst.test", "defer@dst.test"],
                content: TestContent.message())
            let events = try await node.events(of: id, until: "deferred")
            func last(_ name: String) -> Event? { events.first { $0.recipient == name && $0.type != "accepted" } }
            #expect(last("success@dst.test")?.type == "delivered")
            #expect(last("bounce+x@dst.test")?.type == "failed")
            #expect(last("bounce+x@dst.test")?.reply?.code == 550)
            #expect(last("defer@dst.test")?.type == "deferred")
            #expect(last("defer@dst.test")?.reply?.code == 450)
            #expect(try await sink.stop().map(\.recipients) == [["success@dst.test"]])
        }
    }
}
