import Foundation
import MailTestKit
import Testing

/// The first line of `apus trace --ref --json`.
private struct Claim: Decodable {
    var ref, key, queueId: String
    var part: Int
    var recipientIndex: Int?
    var tenant: String?
}

extension Scenarios {
    /// The signed field that names a message weeks later.
    @Suite struct TraceTagTests {
        private let directory: ScratchDirectory
        private let peer: Peer

        init() async throws {
            directory = try ScratchDirectory("apus-scenario-tags")
            peer = try Peer { command, _ in
                command.hasPrefix("RCPT TO:<gone") ? "550 5.1.1 no such user" : nil
            }
            for name in ["k1", "k2"] {
                let path = try directory.write(String(repeating: name, count: 20) + "\n", to: name)
                try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
            }
        }

        private func settings(port: Int, keys: [String] = ["k1"]) -> Node.Settings {
            var settings = Node.Settings(routes: [("dst.test", "{relay: \"127.0.0.1:\(port)\"}")])
            settings.listener = ", relay_from: [127.0.0.0/8]"
            let files = keys.map { "\($0): \(directory.file($0))" }.joined(separator: ", ")
            settings.sender["trace_tag"] = "{keys: {\(files)}, current: \(keys.last ?? "")}"
            return settings
        }

        private func apus(_ node: Node, _ arguments: String...) async throws -> (
            code: Int32, output: [String], errors: String
        ) {
            let (exit, output, errors) = try await Apus.run(["trace"] + arguments + ["--config", node.configuration])
            guard case .code(let code) = exit else { throw TestKitError("\(arguments) died: \(exit)") }
            return (code, output, errors.joined(separator: "\n"))
        }

        /// A real Postfix takes the mail, cannot deliver it, and returns it in a bounce of its own.
        @Test(
            .timeLimit(.minutes(10)),
            .enabled(if: Tool.exist("postfix", "sendmail") && geteuid() == 0, "needs Postfix and root"),
            arguments: ["FULL", "HDRS"])
        func outOfABounceOfPostfix(return: String) async throws {
            let port = try LoopbackPort.free()
            let postfix = try await Postfix.started(name: "receiver", port: port, relayPort: peer.port)
            let node = try await Node.started(settings(port: port))
            let ours = try SMTPClient.send(
                to: node.smtp, recipients: ["gone@dst.test"], mail: " RET=\(`return`)",
                content: TestContent.message("bounced", fields: ["X-Apus-Tenant: acme"]))
            let bounce = try await peer.transaction { $0.mail.hasPrefix("<>") && $0.text.contains("Subject: bounced") }
            #expect(bounce.text.contains(`return` == "FULL" ? "message/rfc822" : "text/rfc822-headers"))
            #expect(bounce.field("X-Apus-Ref") == nil, "the bounce is Postfix's, not ours")
            // Postfix may return it before the outcome is committed.
            _ = try await node.events(of: ours, until: "delivered")
            let file = try directory.write(bounce.text.replacing("\r\n", with: "\n"), to: "bounce.eml")
            let told = try await apus(node, "--ref-file", file, "--json")
            #expect(told.code == 0, "\(told.errors)")
            let claim = try #require(try JSONLines.decode(Claim.self, Array(told.output.prefix(1))).first)
            #expect(claim.queueId == ours && claim.recipientIndex == 0 && claim.tenant == "acme" && claim.key == "k1")
            let events = try JSONLines.decode(Event.self, Array(told.output.dropFirst()))
            #expect(events.map(\.type) == ["accepted", "delivered"])
            let text = try await apus(node, "--ref-file", file)
            #expect(
                text.output.first?.hasPrefix("\(ours)/0, recipient 0, tenant acme, of 20") == true, "\(text.output)")
            try await postfix.stop()
        }

        @Test(.timeLimit(.minutes(10))) func forgedTagsAndStrangers() async throws {
            let node = try await Node.started(settings(port: peer.port))
            let strange = "k1.01ARZ3NDEKTSV4RRFFQ69G5FAV.0.0..AAAAAAAAAAAAAAAAAAAAAA"
            for (index, recipients) in [["b@dst.test"], ["c@dst.test", "d@dst.test"]].enumerated() {
                _ = try SMTPClient.send(
                    to: node.smtp, recipients: recipients,
                    content: TestContent.message("\(index)", fields: ["x-apus-ref: \(strange)", "X-Apus-Tenant: acme"]))
            }
            let one = try await peer.transaction { $0.field("Subject") == "0" }
            let two = try await peer.transaction { $0.field("Subject") == "1" }
            #expect(one.text.hasPrefix("X-Apus-Ref: k1.") && !one.text.contains(strange))
            #expect(one.text.ranges(of: "X-Apus-Ref").count + one.text.ranges(of: "x-apus-ref").count == 1)
            #expect(one.mail.contains("SIZE=\(one.content.count)"), "the field is counted: \(one.mail)")
            let (tag, set) = (try #require(one.field("X-Apus-Ref")), try #require(two.field("X-Apus-Ref")))
            #expect(try await apus(node, "--ref", "X-Apus-Ref: \(tag)").code == 0)
            let both = try await apus(node, "--ref", set, "--json")
            #expect(try JSONLines.decode(Claim.self, Array(both.output.prefix(1))).first?.recipientIndex == nil)
            #expect(try JSONLines.decode(Event.self, Array(both.output.dropFirst())).count == 4)

            let forged = String(tag.dropLast(2)) + "xx"
            for (bad, why) in [
                (strange, "forged or altered"), (forged, "forged or altered"),
                (tag.replacing(".0.0.", with: ".0.1."), "forged or altered"),
                ("k9" + tag.dropFirst(2), "no key is named k9"),
                ("nonsense", "not a trace tag"),
            ] {
                let answer = try await apus(node, "--ref", bad)
                #expect(answer.code == 1 && answer.output.isEmpty, "\(bad)")
                #expect(answer.errors.contains("not ours") && answer.errors.contains(why), "\(answer.errors)")
            }
            // What a complaint holds besides ours does not hide it.
            let file = try directory.write("X-Apus-Ref: \(strange)\n\nX-Apus-Ref: \(tag)\n", to: "both.eml")
            let mixed = try await apus(node, "--ref-file", file)
            #expect(mixed.code == 0 && mixed.errors.contains("not ours"))
            let none = try directory.write("Subject: x\n\nbody\n", to: "none.eml")
            #expect(try await apus(node, "--ref-file", none).code == 1)

            // With the node stopped, the keys of the configuration and the spool itself answer.
            #expect(try await node.stop() == .code(0))
            let still = try await apus(node, "--ref", tag)
            #expect(still.code == 0 && still.output.count == 3, "\(still.errors)")
            #expect(try await apus(node, "--ref", forged).code == 1)
        }

        @Test(.timeLimit(.minutes(10))) func keysAreRotatedInPlace() async throws {
            let node = try await Node.started(settings(port: peer.port))
            func tag(_ subject: String) async throws -> String {
                _ = try SMTPClient.send(
                    to: node.smtp, recipients: ["b@dst.test"], content: TestContent.message(subject))
                return try await peer.transaction { $0.field("Subject") == subject }.field("X-Apus-Ref") ?? ""
            }
            let old = try await tag("old")
            let text = try String(contentsOfFile: node.configuration, encoding: .utf8)
            let keys = "{k1: \(directory.file("k1")), k2: \(directory.file("k2"))}, current: k2"
            try node.directory.write(
                text.replacing("{k1: \(directory.file("k1"))}, current: k1", with: keys), to: "apus.yaml")
            let reload = try await Apus.run(["reload", "--config", node.configuration])
            #expect(reload.exit == .code(0), "\(reload.errors)")
            let new = try await tag("new")
            #expect(old.hasPrefix("k1.") && new.hasPrefix("k2."))
            #expect(try await apus(node, "--ref", old).code == 0)
            #expect(try await apus(node, "--ref", new).code == 0)
            // A key that others may read is no key: the reload is refused, and the node goes on.
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o644], ofItemAtPath: directory.file("k2"))
            let refused = try await Apus.run([
                "reload", "--node", "http+unix://" + node.socket.replacing("/", with: "%2F"),
            ])
            #expect(refused.exit != .code(0) && refused.errors.joined().contains("may be read by others"))
            #expect(try await tag("after").hasPrefix("k2."))
        }
    }
}
