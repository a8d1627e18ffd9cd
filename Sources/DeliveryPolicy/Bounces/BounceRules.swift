package import MailModel

/// Rules that say what a refusing reply is about, as an operator wrote them. The first that matches decides.
///
/// They name a class and a severity, and nothing else: how an attempt ends is `FailurePolicy`'s alone.
package struct BounceRules: Equatable, Sendable {
    package struct Rule: Equatable, Sendable {
        /// Conditions that are given must all hold; at least one of pattern and codes is given.
        package var pattern: Pattern?
        package var enhanced: [EnhancedCodePattern]
        package var codes: [ReplyCodePattern]
        /// Ends of the names of MX hosts, in whole labels and lower case; empty for every host.
        package var hosts: [String]
        package var bounceClass: BounceClass
        /// `nil`: that of the class.
        package var severity: Severity?
        /// Of the file.
        package var line: Int

        package init(
            pattern: Pattern? = nil, enhanced: [EnhancedCodePattern] = [], codes: [ReplyCodePattern] = [],
            hosts: [String] = [], bounceClass: BounceClass, severity: Severity? = nil, line: Int
        ) {
            (self.pattern, self.enhanced, self.codes, self.hosts) = (pattern, enhanced, codes, hosts)
            (self.bounceClass, self.severity, self.line) = (bounceClass, severity, line)
        }
    }

    /// What a search found.
    package struct Finding: Equatable, Sendable {
        package var ruling: BounceRuling?
        /// Rules whose pattern reached a limit, which counts as no match.
        package var limited: [Int] = []
        package init() {}
    }

    package static let ruleLimit = 2000
    /// Patterns that may reach a limit before a reply is left to the built-in rules: a bound for all patterns together.
    package static let limitedPatterns = 4

    /// Path, for people.
    package let file: String
    package let rules: [Rule]
    /// The distinct lists of hosts, and which of them each rule has: a list is compared once a reply.
    private let scopes: [[String]]
    private let scopeOfRule: [Int]

    package init(file: String, rules: [Rule]) {
        self.file = file
        self.rules = rules
        var numbers: [[String]: Int] = [:]
        var scopes: [[String]] = []
        scopeOfRule = rules.map { rule in
            if let known = numbers[rule.hosts] { return known }
            numbers[rule.hosts] = scopes.count
            scopes.append(rule.hosts)
            return scopes.count - 1
        }
        self.scopes = scopes
    }

    /// The first rule that matches.
    ///
    /// - Parameter host: Name of the MX host that replied; `nil` where it is not known, and then only rules for every host
    ///   can match.
    package func find(_ reply: Reply, from host: String?, using matcher: PatternMatcher) -> Finding {
        let host = host.map { Self.canonical(host: $0) }
        let isInScope = scopes.map { $0.isEmpty || (host.map($0.containsEnd) ?? false) }
        let subject = PatternSubject(reply.text)
        var finding = Finding()
        for (number, rule) in rules.enumerated() where isInScope[scopeOfRule[number]] {
            guard rule.codes.isEmpty || rule.codes.contains(where: { $0.matches(reply.code) }),
                rule.enhanced.isEmpty || rule.enhanced.contains(where: { $0.matches(reply) })
            else { continue }
            switch rule.pattern?.search(subject, using: matcher) ?? .match {
            case .match:
                finding.ruling = BounceRuling(bounceClass: rule.bounceClass, severity: rule.severity, rule: number)
                return finding
            case .noMatch: continue
            case .limitReached:
                finding.limited.append(number)
                if finding.limited.count == Self.limitedPatterns { return finding }
            }
        }
        return finding
    }

    /// Lower case, without the final dot.
    package static func canonical(host: String) -> String {
        let name = host.lowercased()
        return name.hasSuffix(".") ? String(name.dropLast()) : name
    }

    /// `bounces.yaml:12`.
    package func place(of rule: Int) -> String { "\(file):\(rules[rule].line)" }
}

/// What a rule says of a reply.
package struct BounceRuling: Equatable, Sendable {
    package var bounceClass: BounceClass
    /// `nil`: that of the class.
    package var severity: Severity?
    /// Index of the rule.
    package var rule: Int

    package init(bounceClass: BounceClass, severity: Severity?, rule: Int) {
        (self.bounceClass, self.severity, self.rule) = (bounceClass, severity, rule)
    }
}

extension [String] {
    /// One of these is the name, or its last labels.
    fileprivate func containsEnd(of host: String) -> Bool {
        contains { end in
            guard host.utf8.count > end.utf8.count else { return host == end }
            return host.hasSuffix(end) && host.utf8.dropLast(end.utf8.count).last == UInt8(ascii: ".")
        }
    }
}
