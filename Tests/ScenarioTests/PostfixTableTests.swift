import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// Postfix's aliases and virtual tables as they are: what a real Postfix makes of each recipient, Apus makes too.
    @Suite struct PostfixTableTests {
        private static let aliases = """
            # The files are read by both as they stand.
            postmaster: root
            root: joe@far.test,
              "ann" @far.test
            Team: joe, mary, nobody@far.test
            joe: joe@far.test
            mary: Mary Smith <mary.smith@far.test>, mary-copy@far.test
            "with space": spaced@far.test
            plain: joe+tag
            listed: :include:LIST

            """

        private static let virtual = """
            virtual.test  this domain is virtual
            info@virtual.test
                joe@far.test,
                # between
                mary@local.test
            joe@virtual.test joe.v@far.test
            joe+vip@virtual.test vip@far.test
            Mixed.Case@virtual.test UPPER@far.test
            chain@virtual.test info@virtual.test, joe@virtual.test
            self@virtual.test self@virtual.test.far.test, copy@far.test
            local@virtual.test team
            catch.test also
            @catch.test all@far.test
            one@catch.test one@far.test
            moved.test yes
            @moved.test @far.test
            user user@far.test

            """

        private static let recipients = [
            "root@local.test", "postmaster@local.test", "TEAM@local.test", "mary@local.test", "joe+x@local.test",
            "\"with space\"@local.test", "plain@local.test", "listed@local.test", "user@local.test",
            "user+ext@local.test", "info@virtual.test", "INFO@Virtual.Test", "joe@virtual.test",
            "joe+ext@virtual.test", "joe+vip@virtual.test", "mixed.case@virtual.test", "chain@virtual.test",
            "local@virtual.test", "x+y@catch.test", "one@catch.test", "one+e@catch.test", "Some.Body+e@moved.test",
        ]

        @Test(
            .timeLimit(.minutes(10)),
            .enabled(if: Tool.exist("postfix", "postalias") && geteuid() == 0, "needs Postfix and root"))
        func theSameRecipients() async throws {
            let files = try ScratchDirectory("apus-tables")
            try files.write("# members\nin@far.test\njoe, \"last one\"@far.test\n", to: "list")
            try files.write(
                Self.aliases.replacingOccurrences(of: "LIST", with: files.file("list")), to: "aliases")
            try files.write(Self.virtual, to: "virtual")
            try await Self.makeReadable(files)
            let made = try await ChildProcess.run(
                "postalias", ["-c", try Self.postfixSettings(files), "hash:" + files.file("aliases")])
            try #require(made.exit == .code(0), "\(made.errors)")

            let (theirs, ours) = (try Peer(), try Peer())
            let port = try LoopbackPort.free()
            let postfix = try await Postfix.started(
                name: "tables", port: port, relayPort: theirs.port,
                more: """
                    myhostname = mx.apus.test
                    myorigin = local.test
                    mydestination = local.test
                    alias_maps = hash:\(files.file("aliases"))
                    virtual_alias_maps = texthash:\(files.file("virtual"))
                    recipient_delimiter = +
                    local_recipient_maps =

                    """)
            var settings = Node.Settings(routes: [("*", "{relay: \"127.0.0.1:\(ours.port)\"}")])
            settings.ingress = [
                "domains: [local.test]",
                "tables: {aliases: \(files.file("aliases")), virtual: \(files.file("virtual")), "
                    + "recipient_delimiter: +}",
            ]
            let node = try await Node.started(settings)
            for server in [port, node.smtp] {
                for recipient in Self.recipients {
                    let client = try SMTPClient(to: server)
                    let reply = try client.send(
                        from: "a@src.test", to: [recipient], content: TestContent.message(recipient))
                    #expect(reply.code == 250, "\(recipient): \(reply)")
                    client.quit()
                }
            }
            try await node.waitUntilEmpty()
            let found = Self.recipients.map { Self.received(by: ours, $0) }
            // One wait for all: a difference shows below, not as a time-out each.
            try? await wait(until: "Postfix has delivered as much", timeout: .seconds(60)) {
                zip(Self.recipients, found).allSatisfy { Self.received(by: theirs, $0).count >= $1.count }
            }
            for (recipient, found) in zip(Self.recipients, found) {
                #expect(!found.isEmpty && found == Self.received(by: theirs, recipient), "\(recipient)")
            }
            try await postfix.stop()
        }

        /// Unknown keys, keys with quotes, and which of two equal keys counts, as `postmap` has them.
        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("postmap"), "needs Postfix"))
        func postmapReadsTheSameLines() async throws {
            let files = try ScratchDirectory("apus-tables")
            try files.write(
                "a@local.test one@far.test\na@local.test two@far.test\n  \n#\nb@local.test\n  x@far.test\n", to: "v")
            let settings = try Self.postfixSettings(files)
            func postmap(_ key: String) async throws -> String? {
                try await ChildProcess.run("postmap", ["-c", settings, "-q", key, "texthash:" + files.file("v")]).output
                    .first
            }
            #expect(try await postmap("a@local.test") == "one@far.test")
            #expect(try await postmap("b@local.test") == "x@far.test")
            #expect(try await postmap("c@local.test") == nil)
            let peer = try Peer()
            var own = Node.Settings(routes: [("*", "{relay: \"127.0.0.1:\(peer.port)\"}")])
            own.ingress = ["domains: [local.test]", "tables: {virtual: \(files.file("v"))}"]
            let node = try await Node.started(own)
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["a@local.test", "b@local.test", "c@local.test"],
                content: TestContent.message())
            let delivered = try await node.events(of: id, until: "delivered", count: 3).filter {
                $0.type == "delivered"
            }
            #expect(Set(delivered.map(\.recipient)) == ["one@far.test", "x@far.test", "c@local.test"])
        }

        /// A folder for tools of Postfix that want to read `main.cf`.
        private static func postfixSettings(_ files: ScratchDirectory) throws -> String {
            try files.write("compatibility_level = 3.6\n", to: "main.cf")
            return files.path
        }

        /// Recipients of all messages that one recipient led to.
        private static func received(by peer: Peer, _ recipient: String) -> Set<String> {
            let all = peer.transactions.filter { $0.field("Subject") == recipient }.flatMap(\.recipients)
            return Set(all.map { String($0.prefix { $0 != ">" }) })
        }

        /// `local` of Postfix reads aliases and included files as users of their own.
        private static func makeReadable(_ files: ScratchDirectory) async throws {
            let result = try await ChildProcess.run("chmod", ["-R", "a+rX", files.path])
            #expect(result.exit == .code(0))
        }
    }
}
