import DeliveryPolicy
import Foundation
import MailModel
import NodeRuntime
import Testing

/// `config/bounces.yaml` against replies of the wire (`Bounces/replies.txt`).
struct ShippedBouncesTests {
    struct Line: CustomTestStringConvertible, Sendable {
        var number: Int
        var stage: Failure.Stage
        var host: String?
        var bounceClass: BounceClass
        var severity: Severity
        var reply: Reply

        var testDescription: String { "line \(number): \(String("\(reply)".prefix(60)))" }

        init?(_ text: Substring, number: Int) {
            let words = text.split(separator: " ", maxSplits: 4)
            guard words.count == 5, let stage = Failure.Stage(rawValue: String(words[0])),
                let bounceClass = BounceClass(rawValue: String(words[2])),
                let severity = Severity(rawValue: String(words[3])), let reply = Self.reply(words[4])
            else { return nil }
            (self.number, self.stage, self.bounceClass, self.severity) = (number, stage, bounceClass, severity)
            (host, self.reply) = (words[1] == "-" ? nil : String(words[1]), reply)
        }

        /// As a session reads it: the codes of each line are taken off.
        private static func reply(_ text: Substring) -> Reply? {
            var (code, detail, texts): (UInt16?, StatusDetail?, [Substring]) = (nil, nil, [])
            for line in text.replacing("\\n", with: "\n").split(separator: "\n") {
                guard line.count > 4, let digits = UInt16(line.prefix(3)) else { return nil }
                code = digits
                var rest = line.dropFirst(4)
                let word = rest.prefix { $0 != " " }
                let numbers = word.split(separator: ".").map { UInt16($0) }
                if numbers.count == 3, numbers[0] == digits / 100, let subject = numbers[1], let number = numbers[2] {
                    detail = StatusDetail(subject, number)
                    rest = rest.dropFirst(word.count).drop { $0 == " " }
                }
                texts.append(rest)
            }
            return code.map { Reply($0, detail, texts.joined(separator: "\n")) }
        }
    }

    private static func lines() throws -> [Line] {
        let file = try #require(
            Bundle.module.url(forResource: "replies", withExtension: "txt", subdirectory: "Bounces"))
        let text = try String(contentsOf: file, encoding: .utf8)
        return try text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap {
            index, line in
            guard !line.isEmpty, !line.hasPrefix("#") else { return nil }
            let read: Line = try #require(
                Line(line, number: index + 1), "line \(index + 1) of \(file.lastPathComponent)")
            return read
        }
    }

    private static func shipped() throws -> BounceRules {
        try BounceRules.load(path: Files.path("bounces.yaml"))
    }

    @Test func classifiesWhatHostsReply() throws {
        let (lines, rules, matcher) = (try Self.lines(), try Self.shipped(), PatternMatcher())
        #expect(lines.count >= 200)
        for line in lines {
            let finding = rules.find(line.reply, from: line.host, using: matcher)
            let decision = FailurePolicy.disposition(
                of: Failure(stage: line.stage, cause: .reply(line.reply), text: ""), in: .init(isLastHost: true),
                ruling: finding.ruling)
            #expect(
                decision.bounceClass == line.bounceClass && decision.severity == line.severity,
                "\(line.testDescription): \(decision.bounceClass.rawValue) \(decision.severity.rawValue) by \(finding.ruling.map { rules.place(of: $0.rule) } ?? "built-in")"
            )
            #expect(finding.limited.isEmpty)
        }
    }

    /// Hosts repeat the recipient's address, whose words are no verdict.
    @Test(arguments: [
        "spam", "virus", "malware", "blacklist", "block-list", "dmarc", "policy", "quota", "relay", "attachment",
        "spamhaus", "abuse", "full", "unsolicited", "dnsbl", "rbl", "ptr", "header", "dynamic", "greylist", "inactive",
        "disabled", "sender", "geographical", "banned", "junk", "reputation", "backscatter", "dial-up", "malformed",
    ])
    func wordsInAddressesDecideNothing(word: String) throws {
        let (rules, matcher) = (try Self.shipped(), PatternMatcher())
        for text in [
            "<\(word)@example.org>: Recipient address rejected: User unknown", "\(word)@example.org: user unknown",
        ] {
            for host in [nil, "mx1.comcast.net", "smtp-in.orange.fr", "mx01.gmx.net", "us-smtp-inbound-1.mimecast.com"]
            {
                let reply = Reply(550, StatusDetail(1, 1), text)
                let decision = FailurePolicy.disposition(
                    of: Failure(stage: .rcpt, cause: .reply(reply), text: ""), in: .init(isLastHost: true),
                    ruling: rules.find(reply, from: host, using: matcher).ruling)
                #expect(decision.bounceClass == .badMailbox, "\(text) from \(host ?? "anybody")")
            }
        }
    }

    /// Every rule that ships matches within its limits whatever a host writes.
    @Test func noShippedPatternBacktracksWithoutBound() throws {
        let (rules, matcher) = (try Self.shipped(), PatternMatcher())
        let texts = [
            String(repeating: "a", count: 1024), String(repeating: "message ", count: 128),
            String(repeating: "exceeded mailbox is ", count: 51), String(repeating: "listed in the ", count: 73),
            String(repeating: " ", count: 1024), String(repeating: "recipient user account ", count: 44),
            String(repeating: "spf not virus found ", count: 51),
        ]
        for (number, rule) in rules.rules.enumerated() {
            for text in texts {
                let outcome = rule.pattern?.search(PatternSubject(text), using: matcher)
                #expect(outcome != .limitReached, "\(rules.place(of: number)) on \(text.prefix(30))…")
            }
        }
    }

    @Test func theExampleConfigurationUsesIt() throws {
        let configuration = try NodeConfiguration.load(path: Files.path("apus.yaml"))
        #expect(configuration.sender.bounces?.rules == (try Self.shipped()).rules)
    }
}
