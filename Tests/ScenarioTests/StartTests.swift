import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// A node that cannot start says why and ends.
    @Suite struct StartTests {
        @Test(.timeLimit(.minutes(10)), arguments: ["smtp", "http"])
        func anAddressInUse(which: String) async throws {
            let taken = try Peer()
            let node = try Node(.init(routes: [("*", "{discard: true}")]))
            let own = which == "smtp" ? node.smtp : node.http
            let text = try node.directory.read("apus.yaml")
            try node.directory.write(
                text.replacing("127.0.0.1:\(own)", with: "127.0.0.1:\(taken.port)"), to: "apus.yaml")
            let (exit, _, errors) = try await Apus.run(["serve", "--config", node.configuration])
            guard case .code(let code) = exit else {
                Issue.record("it died: \(exit)")
                return
            }
            #expect(code != 0)
            #expect(errors.last?.contains("127.0.0.1:\(taken.port)") == true, "\(errors.suffix(2))")
        }

        @Test(.timeLimit(.minutes(10))) func wrongConfiguration() async throws {
            let directory = try ScratchDirectory()
            let file = try directory.write("sender:\n  lifetime: 5\n  prot: 25\n", to: "apus.yaml")
            let (exit, _, errors) = try await Apus.run(["serve", "--config", file])
            #expect(exit == .code(78))
            let said = errors.joined(separator: "\n")
            #expect(said.contains("apus.yaml:2: sender.lifetime"))
            #expect(said.contains("apus.yaml:3: sender.prot"))
            #expect(try await Apus.run(["serve", "--config", directory.file("none.yaml")]).exit == .code(78))
        }
    }
}
