import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// A spool that is full, taken, damaged or not ours.
    @Suite struct SpoolFaultTests {
        @Test(.timeLimit(.minutes(10)), .enabled(if: Tmpfs.isPossible, "needs the right to mount a tmpfs"))
        func fullDisk() async throws {
            let disk = try await Tmpfs(kilobytes: 12_000)
            let peer = try Peer()
            var settings = Node.Settings(routes: [("dst.test", "{relay: \"127.0.0.1:\(peer.port)\"}")])
            settings.spoolDirectory = disk.path + "/spool"
            let node = try await Node.started(settings)
            let client = try SMTPClient(to: node.smtp)
            let body = String(repeating: String(repeating: "x", count: 78) + "\r\n", count: 1000)
            var accepted: [String] = []
            func send(_ name: String) throws -> SMTPReply {
                let reply = try client.send(
                    from: "a@src.test", to: ["b@dst.test"],
                    content: TestContent.message(fields: ["X-Unique-ID: \(name)"], body: body))
                if reply.code == 250 { accepted.append(name) }
                return reply
            }
            for number in 0..<5 { #expect(try send("before-\(number)").code == 250) }
            try disk.fill()
            var refused: SMTPReply?
            for number in 0..<100 where refused == nil {
                let reply = try send("during-\(number)")
                if reply.code != 250 { refused = reply }
            }
            #expect(refused?.code == 451 || refused?.code == 452, "\(String(describing: refused))")
            #expect(refused?.text.hasPrefix("4.3.") == true)
            #expect(node.process?.isRunning == true)
            try disk.free()
            try await wait(until: "mail is taken again") {
                try send("after-\(UUID().uuidString)").code == 250
            }
            for number in 0..<3 { #expect(try send("end-\(number)").code == 250) }
            try await wait(until: "all accepted mail is delivered") {
                let counts = peer.uniqueIDs
                return accepted.allSatisfy { counts[$0] != nil }
            }
            try await node.waitUntilEmpty()
            #expect(try await node.stop() == .code(0))
        }

        @Test(.timeLimit(.minutes(10))) func aSecondNodeIsRefused() async throws {
            let node = try await Node.started(.init(routes: [("*", "{discard: true}")]))
            var settings = Node.Settings(routes: [("*", "{discard: true}")])
            settings.spoolDirectory = node.spool
            let second = try Node(settings)
            let (exit, _, errors) = try await Apus.run(["serve", "--config", second.configuration])
            #expect(exit == .code(75) || exit == .code(69) || exit == .code(78), "\(exit)")
            #expect(errors.joined(separator: "\n").contains(node.spool), "\(errors.suffix(3))")
            #expect(await node.isReady, "the first one goes on")
            // And it starts once the first has stopped.
            try await node.stop()
            try await second.start()
            try await second.stop()
        }

        /// Nothing of a file that is no sound spool of ours is used or changed.
        @Test(.timeLimit(.minutes(10)), arguments: ["foreign", "text", "damaged", "truncated"])
        func aFileThatIsNoSpool(kind: String) async throws {
            let node = try Node(.init(routes: [("*", "{discard: true}")]))
            let file = node.spool + "/spool.sqlite"
            try await make(kind, node, file)
            let before = try Data(contentsOf: URL(filePath: file))
            let (exit, output, errors) = try await Apus.run(["serve", "--config", node.configuration])
            guard case .code(let code) = exit else {
                Issue.record("it died: \(exit)")
                return
            }
            #expect([69, 70, 75, 78].contains(code), "\(code)")
            let said = (output + errors).joined(separator: "\n")
            #expect(said.contains("spool.sqlite") || said.contains(node.spool), "\(said.suffix(500))")
            if kind != "truncated" && kind != "damaged" { #expect(try Data(contentsOf: URL(filePath: file)) == before) }
        }

        private func make(_ kind: String, _ node: Node, _ file: String) async throws {
            let files = FileManager.default
            if kind == "foreign" || kind == "text" {
                try files.createDirectory(
                    atPath: node.spool, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            }
            switch kind {
            case "foreign":
                let made = try await ChildProcess.run(
                    "python3",
                    ["-c", "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('create table t(x)')", file])
                #expect(made.exit == .code(0))
            case "text": try Data("this is no database\n".utf8).write(to: URL(filePath: file))
            default:
                try await node.start()
                for _ in 0..<30 {
                    _ = try SMTPClient.send(
                        to: node.smtp, recipients: ["b@dst.test"],
                        content: TestContent.message(body: String(repeating: "x\r\n", count: 3000)))
                }
                try await node.waitUntilEmpty()
                #expect(try await node.stop() == .code(0))
                var data = try Data(contentsOf: URL(filePath: file))
                if kind == "damaged" {
                    for index in 4096..<min(data.count, 200_000) {
                        data[index] = UInt8(truncatingIfNeeded: index &* 31)
                    }
                } else {
                    data.removeLast(data.count / 2)
                }
                try data.write(to: URL(filePath: file))
            }
        }
    }
}
