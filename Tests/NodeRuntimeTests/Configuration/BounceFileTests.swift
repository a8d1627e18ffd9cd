import DeliveryPolicy
import Foundation
import MailModel
import NodeRuntime
import Testing

/// What is wrong with a file of bounce rules is told with its name, line, key, value and what is allowed.
struct BounceFileTests {
    private func folder(_ rules: String, configuration: String = "sender:\n  bounces: rules.yaml\n") throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(path: "bounces-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try rules.write(to: folder.appending(path: "rules.yaml"), atomically: true, encoding: .utf8)
        try configuration.write(to: folder.appending(path: "apus.yaml"), atomically: true, encoding: .utf8)
        return folder.path
    }

    /// - Returns: Errors without the folder in front.
    private func errors(_ rules: String, configuration: String = "sender:\n  bounces: rules.yaml\n") throws -> [String]
    {
        let folder = try folder(rules, configuration: configuration)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // left in the temporary folder at worst
        do {
            _ = try NodeConfiguration.load(path: folder + "/apus.yaml")
            return []
        } catch {
            return error.issues.map { $0.description.replacingOccurrences(of: folder + "/", with: "") }
        }
    }

    @Test func isReadWithTheConfiguration() throws {
        let folder = try folder(
            """
            providers:
              big: [example.net, Example.ORG]
            rules:
              - {pattern: 'mailbox full', class: quota-issues}
              - provider: big
                enhanced: [5.1.x, 5.2.1]
                code: 55x
                class: bad-mailbox
              - {code: 550, host: example.com, class: policy-related, severity: soft}

            """)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // left in the temporary folder at worst
        let rules = try #require(try NodeConfiguration.load(path: folder + "/apus.yaml").sender.bounces)
        #expect(rules.file == folder + "/rules.yaml")
        #expect(rules.rules.map(\.line) == [4, 5, 9])
        #expect(rules.rules.map(\.bounceClass) == [.quotaIssues, .badMailbox, .policyRelated])
        #expect(rules.rules.map(\.severity) == [nil, nil, .soft])
        #expect(rules.rules.map(\.hosts) == [[], ["example.net", "example.org"], ["example.com"]])
        #expect(rules.rules[1].enhanced.map(\.description) == ["5.1.x", "5.2.1"])
        #expect(try BounceRules.load(path: folder + "/rules.yaml") == rules)
        #expect(NodeConfiguration.default.sender.bounces == nil)
    }

    @Test(arguments: [
        (
            "rules:\n  - {pattern: 'a(b', class: other}",
            "rules.yaml:2: rules[0].pattern: \"a(b\" is no pattern: missing"
        ),
        (
            "rules:\n  - {pattern: '', class: other}",
            "rules.yaml:2: rules[0].pattern: \"\" is empty; allowed: a regular"
        ),
        (
            "rules:\n  - {code: 250, class: other}",
            "rules.yaml:2: rules[0].code: \"250\" is no code of a refusal; allowed:"
        ),
        (
            "rules:\n  - {enhanced: 5.1, class: other}",
            "rules.yaml:2: rules[0].enhanced: \"5.1\" is no enhanced status code; allowed: class 4, 5 or x"
        ),
        (
            "rules:\n  - {code: 550, class: bad-mailbx}",
            "rules.yaml:2: rules[0].class: \"bad-mailbx\" is unknown; did you mean \"bad-mailbox\"?; allowed: one of spam-"
        ),
        (
            "rules:\n  - code: 550\n    class: other\n    severity: sof",
            "rules.yaml:4: rules[0].severity: \"sof\" is unknown; did you mean \"soft\"?; allowed: one of hard, soft"
        ),
        ("rules:\n  - {code: 550}", "rules.yaml:2: rules[0]: has no \"class\", which it must have"),
        (
            "rules:\n  - {class: other}",
            "rules.yaml:2: rules[0]: has no condition; it must have at least one of pattern"
        ),
        (
            "rules:\n  - {patern: a, class: other}",
            "rules.yaml:2: rules[0].patern: unknown key; did you mean \"pattern\"?"
        ),
        (
            "providers: {gmail: google.com}\nrules:\n  - {code: 550, provider: gmal, class: other}",
            "rules.yaml:3: rules[0].provider: \"gmal\" names no provider of providers (defined are gmail); did you mean"
        ),
        (
            "providers: {gmail: google.com}\nrules:\n  - {code: 550, provider: gmail, host: a.b, class: other}",
            "rules.yaml:3: rules[0]: has provider and host; allowed: one of the two"
        ),
        (
            "rules:\n  - {code: 550, class: other}\n  - {code: 550, class: bad-mailbox}",
            "rules.yaml:3: rules[1]: is never reached: line 2 has the same conditions"
        ),
        (
            "rules:\n  - {enhanced: [5.1.1, 5.7.x], class: bad-mailbox}",
            "rules.yaml:2: rules[0].class: \"bad-mailbox\" blames the address, which 5.7.x never does (RFC 3463 §3.8)"
        ),
        (
            "rules:\n  - {enhanced: 5.7.1, class: other, severity: hard}",
            "rules.yaml:2: rules[0].severity: \"hard\" blames the address, which 5.7.1 never does"
        ),
        (
            "rules:\n  - {code: 550, host: 'a b', class: other}",
            "rules.yaml:2: rules[0].host: \"a b\" is not a domain name"
        ),
        ("rules: x", "rules.yaml:1: rules: \"x\" must be a list of: a mapping with pattern, enhanced, code"),
        ("providers: {}", "rules.yaml:1: has no \"rules\", which it must have"),
        ("- a", "rules.yaml:1: must be a mapping with keys of: providers, rules"),
        ("rules: [", "rules.yaml:2: is not YAML: "),
        ("# nothing", "rules.yaml: is empty; it must hold a mapping with providers, rules"),
    ])
    func tellsWhatIsWrong(rules: String, message: String) throws {
        let errors = try errors(rules + "\n")
        #expect(errors.count == 1, "\(errors)")
        #expect(errors.first?.hasPrefix(message) == true, "\(errors)")
    }

    @Test func boundsNumberAndLength() throws {
        let long = try errors("rules:\n  - {pattern: '\(String(repeating: "a", count: 1001))', class: other}\n")
        #expect(long.first?.contains("is longer than 1000 bytes") == true, "\(long)")
        let many = "rules:\n" + (0...2000).map { "  - {pattern: a\($0), class: other}\n" }.joined()
        #expect(try errors(many) == ["rules.yaml:2: rules: has 2001 entries; allowed: up to 2000"])
    }

    @Test func tellsAFileThatIsNotThere() throws {
        let errors = try errors("", configuration: "sender:\n  bounces: none.yaml\n  colour: red\n")
        #expect(errors.count == 2)
        #expect(errors.first?.hasPrefix("apus.yaml:2: sender.bounces: \"none.yaml\" cannot be read: No such") == true)
    }

    /// Both files' errors, each in the order of its file.
    @Test func tellsAllErrors() throws {
        let errors = try errors(
            "rules:\n  - {code: 1, class: other}\n  - {code: 2, class: other}\n",
            configuration: "sender:\n  bounces: rules.yaml\n  colour: red\n")
        #expect(errors.map { String($0.prefix { $0 != " " }) } == ["apus.yaml:3:", "rules.yaml:2:", "rules.yaml:3:"])
    }

    @Test func isInTheReference() {
        for key in ["providers", "rules", "rules[].pattern", "rules[].class", "rules[].severity"] {
            #expect(NodeConfiguration.reference.contains("| `sender.bounces → \(key)` |"), "\(key)")
        }
    }
}
