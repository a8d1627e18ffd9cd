package import DeliveryPolicy
internal import MailModel
internal import Yams

extension BounceRules {
    /// Reads and checks a file of bounce rules by itself.
    package static func load(path: String) throws(ConfigurationError) -> BounceRules {
        try ValueKind<BounceRules>.load(path, as: ConfigurationTable.bounceRules)
    }
}

/// The keys of a file of bounce rules, `sender.bounces`.
extension ConfigurationTable {
    private struct BounceFile: Sendable {
        var providers: [Provider] = []
        var rules: [RuleEntry] = []
    }

    private struct Provider: Sendable {
        var name: String
        var hosts: [String]
    }

    private struct RuleEntry: Sendable {
        var pattern: Pattern?
        var enhanced: [EnhancedCodePattern] = []
        var codes: [ReplyCodePattern] = []
        var provider: String?
        var hosts: [String] = []
        var bounceClass = BounceClass.other
        var severity: Severity?
        var line = 0
    }

    static let bounceRules: ValueKind<BounceRules> = {
        let section = ValueKind<BounceFile>.section(bounceFile, from: { BounceFile() })
        return ValueKind(
            allowed: section.allowed, schema: section.schema,
            read: { node, reader in section.read(node, reader).flatMap { rules(of: $0, reader) } },
            show: { _ in nil }, rows: { prefix in bounceFile.rows(prefix: prefix, BounceFile()) })
    }()

    private static let bounceFile = ConfigurationSection<BounceFile> {
        Field(
            "providers", \.providers, providers, default: "none", "Names for groups of MX hosts, to be used by rules.")
        Field(
            "rules", \.rules, .list(of: rule, upTo: BounceRules.ruleLimit), required: true,
            "The first rule whose conditions all hold decides; without one the built-in rules do.")
    }

    private static let providers = ValueKind<[Provider]>.mapping(
        keys: .identifier, placeholder: "PROVIDER", to: .oneOrMore(hostEnd), upTo: 500
    ) { Provider(name: $0, hosts: $1) }

    private static let ruleKeys = ConfigurationSection<RuleEntry> {
        Field(
            "pattern", \.pattern, pattern.optional,
            "Searched in the text without codes, lines joined by spaces; letters match in either case (PCRE2).")
        Field(
            "enhanced", \.enhanced, .oneOrMore(enhanced), default: "any",
            "Enhanced status code, or a list; x stands for any number.")
        Field("code", \.codes, .oneOrMore(code), default: "any", "Reply code, or a list; x stands for any digit.")
        Field("provider", \.provider, ValueKind.identifier.optional, otherwise: "any", "Hosts by a name of providers.")
        Field("host", \.hosts, .oneOrMore(hostEnd), default: "any", "End of the MX host's name, or a list.")
        Field("class", \.bounceClass, .choice, required: true, "Bounce class.")
        Field(
            "severity", \.severity, ValueKind.choice.optional, otherwise: "that of the class",
            "What the failure says about the address. Temporary failures are never hard.")
    }

    private static let rule: ValueKind<RuleEntry> = {
        let section = ValueKind<RuleEntry>.section(ruleKeys, from: { RuleEntry() })
        return ValueKind(
            allowed: section.allowed, schema: section.schema,
            read: { node, reader in
                let before = reader.issues.count
                guard var rule = section.read(node, reader) else { return nil }
                rule.line = node.mark?.line ?? 0
                if reader.issues.count == before { check(rule, reader) }
                return rule
            }, show: { _ in nil }, rows: section.rows)
    }()

    private static func check(_ rule: RuleEntry, _ reader: ConfigurationReader) {
        let key = reader.currentPath
        if rule.pattern == nil, rule.enhanced.isEmpty, rule.codes.isEmpty {
            reader.report(key: key, "has no condition; it must have at least one of pattern, enhanced, code")
        }
        if rule.provider != nil, !rule.hosts.isEmpty {
            reader.report(key: key, "has provider and host; allowed: one of the two")
        }
        let isHard = rule.severity == .hard || rule.bounceClass.isAboutAddress
        if isHard, let policy = rule.enhanced.first(where: { $0.subject == 7 }) {
            let isClass = rule.bounceClass.isAboutAddress
            reader.report(
                key: "\(key).\(isClass ? "class" : "severity")",
                value: isClass ? rule.bounceClass.rawValue : Severity.hard.rawValue,
                "blames the address, which \(policy) never does (RFC 3463 §3.8): it refuses by policy; allowed: "
                    + (isClass ? "a class of severity soft or block, as policy-related" : "soft, block"))
        }
    }

    private static let pattern = ValueKind<Pattern>.text(
        "a regular expression (PCRE2) of up to \(PatternLimits.patternLength) bytes", show: { $0.text }
    ) { text throws(Refusal) in
        do throws(PatternError) { return try Pattern(text) } catch { throw Refusal(error.description) }
    }

    private static let enhanced = ValueKind<EnhancedCodePattern>.text(
        "class 4, 5 or x, subject and detail, as 5.1.1, 5.7.x or x.2.2", show: { $0.description }
    ) { text throws(Refusal) in
        guard let pattern = EnhancedCodePattern(text) else { throw Refusal("is no enhanced status code") }
        return pattern
    }

    private static let code = ValueKind<ReplyCodePattern>.text(
        "400 to 599, with x for last digits, as 550, 55x or 4xx", show: { $0.description }
    ) { text throws(Refusal) in
        guard let pattern = ReplyCodePattern(text) else { throw Refusal("is no code of a refusal") }
        return pattern
    }

    private static let hostEnd = ValueKind<Domain>.domain.map({ $0.name }, back: { _ in nil })

    // MARK: Across rules

    private static func rules(of file: BounceFile, _ reader: ConfigurationReader) -> BounceRules {
        var hosts: [String: [String]] = [:]
        for provider in file.providers where hosts.updateValue(provider.hosts, forKey: provider.name) != nil {
            reader.report(key: "providers.\(provider.name)", "is given twice")
        }
        let names = file.providers.map(\.name)
        var seen: [String: Int] = [:]
        let rules = file.rules.enumerated().map { index, entry in
            var rule = BounceRules.Rule(
                pattern: entry.pattern, enhanced: entry.enhanced, codes: entry.codes, hosts: entry.hosts,
                bounceClass: entry.bounceClass, severity: entry.severity, line: entry.line)
            if let provider = entry.provider {
                rule.hosts = hosts[provider] ?? []
                if hosts[provider] == nil { reportUnknown(provider, names, key: "rules[\(index)].provider", reader) }
            }
            let conditions = "\(rule.pattern?.text ?? "")\n\(rule.enhanced)\(rule.codes)\(rule.hosts)"
            // A rule with an error of its own has lost conditions.
            if let first = seen[conditions], reader.issues.isEmpty {
                reader.report(key: "rules[\(index)]", "is never reached: line \(first) has the same conditions")
            } else {
                seen[conditions] = rule.line
            }
            return rule
        }
        return BounceRules(file: reader.file, rules: rules)
    }

    private static func reportUnknown(
        _ provider: String, _ names: [String], key: String, _ reader: ConfigurationReader
    ) {
        let hint = NearestName.of(provider, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
        let known = names.isEmpty ? "none is defined" : "defined are \(names.prefix(20).joined(separator: ", "))"
        reader.report(key: key, value: provider, "names no provider of providers (\(known))\(hint)")
    }
}
