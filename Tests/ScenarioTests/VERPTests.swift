import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// swaks → node → aiosmtpd: what a real server is told with MAIL.
    @Suite struct VERPTests {
        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("swaks"), "needs swaks"))
        func aReversePathForEachRecipient() async throws {
            let sink = try await AioSink.started()
            var settings = Node.Settings(routes: [("*", "{relay: \"127.0.0.1:\(sink.port)\"}")])
            settings.sender["verp"] = "{default: \"bounce+{local}={domain}@bounces.apus.test\"}"
            let node = try await Node.started(settings)
            let sent = try await ChildProcess.run(
                "swaks",
                [
                    "--server", "127.0.0.1:\(node.smtp)", "--from", "list@src.test", "--to",
                    "a@dst.test,b@dst.test,c@other.test", "--silent", "2",
                ])
            #expect(sent.exit == .code(0), "\(sent.output) \(sent.errors)")
            try await node.waitUntilEmpty()
            let facts = try sink.facts.map { "\($0.from) \($0.to.joined(separator: ","))" }
            #expect(
                facts.sorted() == [
                    "bounce+a=dst.test@bounces.apus.test a@dst.test", "bounce+b=dst.test@bounces.apus.test b@dst.test",
                    "bounce+c=other.test@bounces.apus.test c@other.test",
                ])
            try await sink.stop()
        }

        @Test func aTemplateThatIsWrong() async throws {
            let directory = try ScratchDirectory()
            for (verp, expected) in [
                ("{default: \"bounce@b.test\"}", "tell recipients apart"),
                ("{bulk: postfix}", "sender.verp.bulk"), ("{default: \"{local}={domian}@b.test\"}", "{domian}"),
            ] {
                let file = try directory.write("sender:\n  verp: \(verp)\n", to: "apus.yaml")
                let check = try await Apus.run(["check-config", file])
                #expect(check.exit == .code(78))
                #expect(check.errors.joined().contains(expected) && check.errors.joined().contains("apus.yaml:2"))
            }
        }
    }
}
