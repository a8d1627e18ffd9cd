import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// A host that may say whom it speaks for, as Postfix's XCLIENT_README has it.
    @Suite struct XCLIENTTests {
        private let peer: Peer
        private let node: Node

        init() async throws {
            peer = try Peer()
            var settings = Node.Settings(routes: [("dst.test", "{relay: \"127.0.0.1:\(peer.port)\"}")])
            settings.listener = ", relay_from: [192.0.2.0/24], xclient: {from: [127.0.0.1/32]}"
            settings.ingress = ["domains: [own.test]"]
            node = try await Node.started(settings)
        }

        private func swaks(_ options: [String]) async throws -> ChildProcess.Exit {
            try await ChildProcess.run(
                "swaks",
                [
                    "--server", "127.0.0.1:\(node.smtp)", "--helo", "swaks.test", "--from", "a@src.test", "--to",
                    "b@dst.test",
                ] + options
            ).exit
        }

        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("swaks"), "needs swaks")) func swaks() async throws {
            let refused = ChildProcess.Exit.code(24)
            #expect(try await swaks([]) == refused)
            #expect(try await swaks(["--xclient-addr", "203.0.113.1"]) == refused)
            #expect(
                try await swaks([
                    "--xclient-addr", "192.0.2.9", "--xclient-name", "[UNAVAILABLE]", "--xclient-port", "4000",
                    "--xclient-proto", "ESMTP", "--xclient-helo", "real.test", "--xclient-destaddr", "198.51.100.1",
                    "--xclient-destport", "25",
                ]) == .code(0))
            let first = try #require(try await peer.transaction().field("Received"))
            #expect(first.contains("([192.0.2.9])"))
            // In two commands, IPv6, with a login that may relay.
            #expect(
                try await swaks([
                    "--xclient-login", "joe", "--xclient-delim", "--xclient-addr", "IPV6:2001:db8::9",
                ]) == .code(0))
            try await peer.waitFor(2)
            let second = try #require(peer.transactions.last?.field("Received"))
            #expect(second.contains("([IPv6:2001:db8::9])"))
            let id = try #require(
                second.split(whereSeparator: \.isWhitespace).map(String.init).first { $0.utf8.count == 26 })
            let accepted = try await node.events(of: id, until: "accepted").first
            #expect(accepted?.client?.address == "2001:db8::9" && accepted?.client?.user == "joe")
            // From another address it is neither offered nor taken.
            #expect(try await swaks(["--local-interface", "127.0.0.2", "--xclient-addr", "192.0.2.9"]) == .code(33))
            #expect(
                try await swaks([
                    "--local-interface", "127.0.0.2", "--xclient-no-verify", "--xclient", "ADDR=192.0.2.9",
                ]) != .code(0))
        }
    }
}
