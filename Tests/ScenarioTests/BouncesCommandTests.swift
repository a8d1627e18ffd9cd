import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// `apus bounces classify`, and `apus check-config` with a file of rules.
    @Suite struct BouncesCommandTests {
        private struct Answer: Decodable {
            struct Reply: Decodable { var text: String }
            var type, `class`, severity, stage: String
            var rule, errorClass, refusedRule: String?
            var limitedRules: [String]?
            var reply: Reply
        }

        private static func classify(_ arguments: [String], input: String = "") async throws -> [Answer] {
            let done = try await Apus.run(["bounces", "classify", "--json"] + arguments, input: input)
            #expect(done.exit == .code(0), "\(done.errors)")
            return try JSONLines.decode(Answer.self, done.output)
        }

        private static func rules(_ text: String) throws -> (directory: ScratchDirectory, file: String) {
            let directory = try ScratchDirectory("apus-scenario-rules")
            try directory.write(text, to: "rules.yaml")
            return (directory, directory.file("rules.yaml"))
        }

        @Test(.timeLimit(.minutes(10))) func tellsTheRule() async throws {
            let (directory, file) = try Self.rules(
                """
                rules:
                  - {pattern: 'unknown', host: example.net, class: inactive-mailbox}
                  - {pattern: 'no such user', class: bad-mailbox}
                  - {pattern: '^(a+)+$', class: other}

                """)
            let reply = "550-5.1.1 user\\n550 5.1.1 unknown"
            let ruled = try #require(
                try await Self.classify(["--rules", file, "--host", "mx.example.net", reply]).first)
            #expect((ruled.type, ruled.class, ruled.severity) == ("failed", "inactive-mailbox", "hard"))
            #expect(ruled.rule == "\(file):2")
            #expect(ruled.reply.text == "user\nunknown")
            let plain = try #require(try await Self.classify(["--rules", file, reply]).first)
            #expect((plain.class, plain.rule) == ("bad-mailbox", nil))

            let early = try #require(
                try await Self.classify(["--rules", file, "--stage", "mail", "550 no such user"]).first)
            #expect(early.class != "bad-mailbox")
            #expect((early.rule, early.refusedRule) == (nil, "\(file):3"))
            let policy = try #require(try await Self.classify(["--rules", file, "450 4.7.1 no such user"]).first)
            #expect((policy.type, policy.class, policy.refusedRule) == ("deferred", "policy-related", "\(file):3"))
            #expect(policy.errorClass != nil)
            let long = "550 " + String(repeating: "a", count: 200) + "!"
            let limited = try #require(try await Self.classify(["--rules", file, long]).first)
            #expect(limited.limitedRules == ["\(file):4"])
            withExtendedLifetime(directory) {}
        }

        @Test(.timeLimit(.minutes(10))) func readsManyReplies() async throws {
            let replies = """
                550 5.1.1 <x@example.org>: Recipient address rejected: User unknown
                smtp; 452 4.2.2 mailbox full

                554 5.7.1 blocked using zen.spamhaus.org

                """
            let shipped = ["--rules", "\(Apus.root)/config/bounces.yaml"]
            let answers = try await Self.classify(shipped, input: replies)
            #expect(answers.map(\.class) == ["bad-mailbox", "quota-issues", "spam-related"])
            #expect(answers.map(\.severity) == ["hard", "soft", "block"])
            let text = try await Apus.run(["bounces", "classify"] + shipped, input: replies + "hello\n250 fine\n")
            #expect(text.exit == .code(1))
            #expect(text.output.count == 3 && text.output.allSatisfy { $0.split(separator: "\t").count == 5 })
            #expect(text.errors.map { String($0.prefix(17)) } == ["apus: line 5: not", "apus: line 6: not"])
            #expect(try await Apus.run(["bounces", "classify", "hello"]).exit == .code(64))
            #expect(try await Apus.run(["bounces", "classify", "--stage", "starttls", "550 x"]).exit == .code(64))
        }

        @Test(.timeLimit(.minutes(10))) func checkConfigReadsTheRules() async throws {
            let (directory, file) = try Self.rules("rules:\n  - {pattern: '(', class: other}\n")
            try directory.write("sender: {bounces: rules.yaml}\n", to: "apus.yaml")
            let bad = try await Apus.run(["check-config", directory.file("apus.yaml")])
            #expect(bad.exit == .code(78))
            #expect(bad.errors.joined().contains("\(file):2: rules[0].pattern: \"(\" is no pattern: missing"), "\(bad)")
            try directory.write("rules:\n  - {pattern: '[(]', class: other}\n", to: "rules.yaml")
            let good = try await Apus.run(["check-config", directory.file("apus.yaml")])
            #expect(good.exit == .code(0))
            #expect(good.output.contains("\(file): good; 1 rules"))
            let example = try await Apus.run(["check-config", "\(Apus.root)/config/apus.yaml"])
            #expect(example.exit == .code(0), "\(example.errors)")
        }
    }
}
