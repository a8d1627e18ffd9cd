import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// Aliases, virtual and access tables in real sessions, with a peer that takes all mail.
    @Suite struct TableTests {
        private let peer: Peer
        private let files: ScratchDirectory

        init() throws {
            peer = try Peer()
            files = try ScratchDirectory("apus-tables")
        }

        /// A node whose client in these tests is a stranger: it may write to our domains only.
        private func node(_ tables: String, domains: String = "own.test") async throws -> Node {
            var settings = Node.Settings(routes: [("*", "{relay: \"127.0.0.1:\(peer.port)\"}")])
            settings.listener = ", relay_from: []"
            settings.ingress = ["domains: [\(domains)]", "tables: {\(tables)}"]
            return try await Node.started(settings)
        }

        private func file(_ name: String, _ text: String) throws -> String {
            try files.write(text, to: name)
            return files.file(name)
        }

        private static let content = TestContent.message()

        /// The reply to RCPT, in a session of its own.
        private func rcpt(
            _ recipient: String, at node: Node, from sender: String = "a@src.test", client own: String? = nil
        ) throws -> SMTPReply {
            let client = try SMTPClient(to: node.smtp, from: own)
            defer { client.quit() }
            let mail = try client.command("MAIL FROM:<\(sender)>")
            return mail.code == 250 ? try client.command("RCPT TO:<\(recipient)>") : mail
        }

        @Test(.timeLimit(.minutes(10))) func aliasesBecomeTheirAddresses() async throws {
            let aliases = try file(
                "aliases",
                """
                postmaster: root
                root: joe, Ann@far.test
                team: :include:\(files.file("team")), joe
                owner-team: admin@far.test
                joe: joe@home.test
                script: "|/bin/vacation"

                """)
            _ = try file("team", "# the team\nbob@far.test\nann@far.test\n")
            let node = try await node("aliases: \(aliases)")
            let id = try SMTPClient.send(
                to: node.smtp, from: "sender@src.test",
                recipients: ["<Root@own.test> NOTIFY=SUCCESS,FAILURE", "<joe@own.test> ORCPT=rfc822;old@x.test"],
                mail: " ENVID=one", content: Self.content)
            let delivered = try await node.events(of: id, until: "delivered", count: 2)
            let accepted = delivered.filter { $0.type == "accepted" }
            #expect(
                Set(accepted.map { "\($0.recipient ?? "") \($0.orcpt ?? "")" }) == [
                    "joe@home.test rfc822;Root@own.test", "Ann@far.test rfc822;Root@own.test",
                ])
            let ann = try await peer.transaction { $0.recipients.contains { $0.contains("Ann@far.test") } }
            #expect(ann.recipients == ["<Ann@far.test> NOTIFY=FAILURE ORCPT=rfc822;Root@own.test"], "\(ann.recipients)")
            #expect(ann.mail.contains("<sender@src.test>") && ann.mail.contains("ENVID=one"))

            let list = try SMTPClient.send(
                to: node.smtp, from: "sender@src.test", recipients: ["<team@own.test> NOTIFY=NEVER"],
                mail: " ENVID=two", content: Self.content)
            let sent = try await node.events(of: list, until: "delivered", count: 3)
            #expect(
                Set(sent.filter { $0.type == "delivered" }.map(\.recipient)) == [
                    "bob@far.test", "ann@far.test", "joe@home.test",
                ])
            #expect(Set(sent.map(\.reversePath)) == ["owner-team@own.test"])
            #expect(sent.allSatisfy { $0.envelopeId == nil && $0.orcpt == "rfc822;team@own.test" })

            #expect(try rcpt("script@own.test", at: node).description.hasPrefix("550 5.1.1 alias script"))
            #expect(try rcpt("postmaster", at: node).code == 250)
            #expect(try rcpt("nobody@own.test", at: node).code == 250, "the tables are not said to be complete")
            let started = (node.process?.errors ?? []) + (node.process?.output ?? [])
            #expect(started.contains { $0.contains("aliases:6") && $0.contains("command") }, "\(started)")
        }

        @Test(.timeLimit(.minutes(10))) func virtualDomainsAndUnknownRecipients() async throws {
            let virtual = try file(
                "virtual",
                """
                v.test  anything
                info@v.test  joe, sales@far.test
                joe@v.test  joe@far.test
                @catch.test  all@far.test
                joe  joe@home.test

                """)
            let known = try file("recipients", "listed@own.test x\n")
            let node = try await node(
                "virtual: [\(virtual)], recipients: \(known), unknown_recipient: reject, recipient_delimiter: +",
                domains: "own.test, catch.test")
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["info@v.test", "joe+ext@v.test", "any.body@catch.test"],
                content: Self.content)
            let events = try await node.events(of: id, until: "delivered", count: 4)
            #expect(
                Set(events.map(\.recipient)) == [
                    "joe@home.test", "sales@far.test", "joe+ext@far.test", "all@far.test",
                ])
            for unknown in ["nobody@v.test", "nobody@own.test"] {
                #expect(try rcpt(unknown, at: node).description == "550 5.1.1 User unknown")
            }
            for known in ["listed@own.test", "listed+x@own.test", "Postmaster@own.test"] {
                #expect(try rcpt(known, at: node).code == 250)
            }
            #expect(try rcpt("x@elsewhere.test", at: node).description == "550 5.7.1 Relaying denied")
        }

        @Test(.timeLimit(.minutes(10))) func accessByClientSenderAndRecipient() async throws {
            let clients = try file("clients", "127.0.0.2 REJECT 5.7.9 not you\n127.0.0.3 450 not now\n")
            let senders = try file("senders", "bad@src.test REJECT\nspam.test 551 no spam\nquiet@src.test DISCARD\n")
            let recipients = try file("rcpts", "closed@ DEFER 4.2.1 closed for now\nok@own.test OK\nother.test DUNNO\n")
            let node = try await node("access: {client: \(clients), sender: \(senders), recipient: \(recipients)}")
            func greeting(_ own: String) throws -> String? {
                let socket = try Socket(to: node.smtp, from: own, timeout: 60, receiveBuffer: nil)
                defer { socket.close() }
                return try socket.readLine().map { String(decoding: $0, as: UTF8.self) }
            }
            #expect(try greeting("127.0.0.2") == "554 5.7.9 not you")
            #expect(try greeting("127.0.0.3") == "421 4.7.1 not now")
            #expect(try rcpt("x@own.test", at: node, from: "bad@src.test").description == "554 5.7.1 Access denied")
            #expect(try rcpt("x@own.test", at: node, from: "a@deep.spam.test").description == "551 5.7.1 no spam")
            #expect(try rcpt("closed@own.test", at: node).description == "450 4.2.1 closed for now")
            for taken in ["ok@own.test", "x@own.test"] { #expect(try rcpt(taken, at: node).code == 250) }
            // OK in a table is no right to relay.
            #expect(try rcpt("ok@elsewhere.test", at: node).description == "550 5.7.1 Relaying denied")
            let id = try SMTPClient.send(
                to: node.smtp, from: "quiet@src.test", recipients: ["x@own.test"], content: Self.content)
            _ = try SMTPClient.send(
                to: node.smtp, from: "loud@src.test", recipients: ["x@own.test"], content: Self.content)
            #expect(try await peer.transaction().mail.contains("loud@src.test"))
            #expect(peer.transactions.count == 1)
            #expect(try await node.events(of: id).isEmpty)
        }

        @Test(.timeLimit(.minutes(10))) func loopsAndLargeTablesHarmNobody() async throws {
            let aliases = try file("aliases", "a: b\nb: c, x@far.test\nc: a\n")
            let virtual = try file("virtual", "one@own.test one@far.test\n")
            let node = try await node("aliases: \(aliases), virtual: \(virtual), entry_limit: 50000")
            #expect(
                try rcpt("a@own.test", at: node).description
                    == "550 5.4.6 alias loop: a@own.test -> b@own.test -> c@own.test -> a@own.test")
            func reload() async throws -> [String] {
                let result = try await Apus.run(["reload", "--config", node.configuration])
                return result.exit == .code(0) ? [] : result.errors
            }
            // A table that is wrong, or too large, changes nothing.
            _ = try file("virtual", "one@own.test changed@far.test\nbroken@own.test |cat\n")
            let wrong = try await reload().joined()
            #expect(wrong.contains("virtual:2: broken@own.test") && wrong.contains("aliases only"), "\(wrong)")
            _ = try file("virtual", (0..<50_001).map { "u\($0)@own.test u@far.test\n" }.joined())
            let large = try await reload().joined()
            #expect(large.contains("virtual:50001:") && large.contains("50000 entries"), "\(large)")
            let before = try SMTPClient.send(to: node.smtp, recipients: ["one@own.test"], content: Self.content)
            #expect(try await node.events(of: before, until: "delivered").first?.recipient == "one@far.test")
            // And one that is right is in force at once.
            _ = try file("virtual", (0..<50_000).map { "u\($0)@own.test u\($0)@far.test\n" }.joined())
            #expect(try await reload() == [])
            let after = try SMTPClient.send(to: node.smtp, recipients: ["u49999@own.test"], content: Self.content)
            #expect(try await node.events(of: after, until: "delivered").first?.recipient == "u49999@far.test")
        }

        @Test(.timeLimit(.minutes(10))) func aBadTableStopsTheStart() async throws {
            let access = try file("senders", "ok@x.test OK\nx@x.test PREPEND X: y\n")
            var settings = Node.Settings(routes: [])
            settings.ingress = ["tables: {access: {sender: \(access)}}"]
            let node = try Node(settings)
            for command in ["check-config", "serve"] {
                let result = try await Apus.run([command, "--config", node.configuration])
                #expect(result.exit == .code(78))
                #expect(result.errors.joined().contains("senders:2: x@x.test: \"PREPEND X: y\""), "\(result.errors)")
            }
        }

        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("swaks"), "needs swaks"))
        func envelopesAreRewritten() async throws {
            let senders = try file("senders", "joe@host.own.test Joe.User@own.test\n")
            let recipients = try file("recipients", "old@own.test new@own.test\n")
            let aliases = try file("aliases", "new: new@far.test\n")
            var settings = Node.Settings(routes: [("*", "{relay: \"127.0.0.1:\(peer.port)\"}")])
            settings.ingress = [
                "domains: [own.test]", "tables: {aliases: \(aliases)}",
                "rewrite: {sender_canonical: \(senders), recipient_canonical: \(recipients), "
                    + "masquerade_domains: own.test, masquerade_exceptions: root}",
            ]
            let node = try await Node.started(settings)
            for (sender, seen) in [
                ("joe@host.own.test", "Joe.User@own.test"), ("ann@deep.host.own.test", "ann@own.test"),
                ("root@host.own.test", "root@host.own.test"),
            ] {
                let swaks = try await ChildProcess.run(
                    "swaks",
                    [
                        "--server", "127.0.0.1:\(node.smtp)", "--helo", "c.test", "--from", sender, "--to",
                        "old@own.test",
                    ])
                #expect(swaks.exit == .code(0))
                let taken = try await peer.transaction { $0.mail.contains("<\(seen)>") }
                #expect(taken.recipients.first?.hasPrefix("<new@far.test>") == true)
            }
        }
    }
}
