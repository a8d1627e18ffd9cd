import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// Real servers take what the node relays.
    @Suite struct RelaySinkTests {
        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("smtp-sink"), "needs Postfix"))
        func smtpSink() async throws {
            let port = try LoopbackPort.free()
            let files = try ScratchDirectory()
            let sink = try ChildProcess(
                "smtp-sink", ["-u", "root", "-d", "\(files.path)/%M.", "127.0.0.1:\(port)", "100"])
            try await wait(until: "smtp-sink listens") { LoopbackPort.isListening(port) }
            let node = try await Node.started(.init(routes: [("dst.test", "{relay: \"127.0.0.1:\(port)\"}")]))
            for number in 0..<20 {
                _ = try SMTPClient.send(
                    to: node.smtp, recipients: ["b\(number)@dst.test"],
                    content: TestContent.message("number \(number)", body: ".dot\r\n..\r\nend\r\n"))
            }
            try await node.waitUntilEmpty()
            let dumps = try FileManager.default.contentsOfDirectory(atPath: files.path).map { try files.read($0) }
            #expect(dumps.count == 20)
            for number in 0..<20 {
                let dump = try #require(dumps.first { $0.contains("Subject: number \(number)\n") })
                #expect(dump.contains("X-Rcpt-Args: <b\(number)@dst.test>"))
                // The sink dumps lines as they came over the wire or unstuffed, by version.
                #expect(dump.contains("\n.dot\n..\nend\n") || dump.contains("\n..dot\n...\nend\n"))
            }
            sink.killNow()
            try await sink.waitForExit()
        }

        @Test(.timeLimit(.minutes(10))) func aiosmtpd() async throws {
            let sink = try await AioSink.started()
            let node = try await Node.started(.init(routes: [("dst.test", "{relay: \"127.0.0.1:\(sink.port)\"}")]))
            let body = ".\r\n..two\r\näöü €\r\n"
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["b@dst.test", "c@dst.test"], mail: " BODY=8BITMIME",
                content: TestContent.message("to aiosmtpd", body: body))
            let events = try await node.events(of: id, until: "delivered", count: 2)
            #expect(
                Set(events.filter { $0.type == "delivered" }.compactMap(\.recipient)) == ["b@dst.test", "c@dst.test"])
            #expect(events.last?.reply?.text?.contains("taken") == true)
            let content = try sink.directory.read("0.eml")
            #expect(content.hasPrefix("Received: "))
            #expect(content.hasSuffix("\r\n\r\n" + body))
            try await sink.stop()
        }
    }
}
