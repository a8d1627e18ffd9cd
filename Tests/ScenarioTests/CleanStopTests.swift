import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// A stop that was asked for loses nothing and repeats nothing.
    @Suite struct CleanStopTests {
        @Test(.timeLimit(.minutes(10))) func underLoad() async throws {
            let (slow, fast) = (try Peer(delay: .seconds(1)), try Peer())
            var settings = Node.Settings(routes: [
                ("slow.test", "{relay: \"127.0.0.1:\(slow.port)\"}"),
                ("fast.test", "{relay: \"127.0.0.1:\(fast.port)\"}"),
            ])
            // What is under way may take as long as it takes; a stop that waits for the whole time is told below.
            settings.sender["drain_time"] = "5m"
            let node = try await Node.started(settings)
            let load = Load(to: node.smtp, connections: 8) { $0 % 40 == 0 ? "b@slow.test" : "b@fast.test" }
            for round in 1...3 {
                try await wait(until: "some load") { load.accepted.count > round * 400 }
                // Long before the end of the drain time: when the last attempt has ended.
                #expect(try await node.stop() == .code(0))
                if round < 3 { try await node.start() }
            }
            try await load.stop()
            try await node.start()
            try await node.waitUntilEmpty()
            let counts = slow.uniqueIDs.merging(fast.uniqueIDs) { $0 + $1 }
            let accepted = load.accepted
            #expect(accepted.allSatisfy { counts[$0] != nil }, "lost \(accepted.count { counts[$0] == nil })")
            let repeated = counts.filter { $0.value > 1 }
            #expect(repeated.isEmpty, "repeated \(repeated.keys.prefix(10))")
            #expect(try await node.stop() == .code(0))
        }

        /// A client in the middle of its content is told, or finishes; the connection does not hang.
        @Test(.timeLimit(.minutes(10))) func idleClientsDoNotHoldTheStop() async throws {
            let node = try await Node.started(.init(routes: [("*", "{discard: true}")]))
            let idle = try (0..<20).map { _ in try SMTPClient(to: node.smtp) }
            let open = try SMTPClient(to: node.smtp)
            try open.command("MAIL FROM:<a@src.test>")
            try open.command("RCPT TO:<b@dst.test>")
            #expect(try open.command("DATA").code == 354)
            try open.socket.write("Subject: half\r\n")
            #expect(try await node.stop() == .code(0))
            for client in idle { #expect(client.socket.readToEnd()) }
        }

        @Test(.timeLimit(.minutes(10))) func interrupt() async throws {
            let node = try await Node.started(.init(routes: [("*", "{discard: true}")]))
            node.process?.signal(SIGINT)
            #expect(try await node.process?.waitForExit() == .code(0))
        }
    }
}
