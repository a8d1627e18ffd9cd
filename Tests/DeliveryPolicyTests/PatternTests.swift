import DeliveryPolicy
import Testing

struct PatternTests {
    private let matcher = PatternMatcher()

    @Test(arguments: [
        ("user unknown", "550: User  Unknown", false), ("user\\s+unknown", "550: User  Unknown", true),
        ("^user", "a user", false), ("(?-i)User", "user", false), ("empfänger", "EMPFÄNGER unbekannt", true),
        ("^.$", "ä", true), ("^$", "", true), ("a", "", false), ("mailbox full", "mailbox\nfull", true),
        ("\\d{3}", "ab12", false),
    ])
    func searches(pattern: String, text: String, isFound: Bool) throws {
        let found = try Pattern(pattern).search(PatternSubject(text), using: matcher)
        #expect(found == (isFound ? .match : .noMatch))
    }

    @Test(arguments: [
        ("", "is empty"), ("(a", "is no pattern: missing closing parenthesis (at byte 2)"),
        (String(repeating: "a", count: 1001), "is longer than 1000 bytes"),
        (String(repeating: "(", count: 40) + String(repeating: ")", count: 40), "is no pattern: parentheses are too"),
        ("a\\Cb", "is no pattern: using \\C is disabled"), ("[z-a]", "is no pattern: range out of order"),
        ("((a{1,9000}){1,9000}){1,9000}", "is no pattern: "), ("(*NO_JIT)a", "begins with a setting"),
    ])
    func refuses(pattern: String, reason: String) {
        do throws(PatternError) {
            _ = try Pattern(pattern)
            Issue.record("\(pattern) was taken")
        } catch {
            #expect(error.description.hasPrefix(reason), "\(error)")
        }
    }

    static let catastrophic = [
        "^(a+)+$", "^(a|a)*$", "(a|aa)+$", "(x+x+)+y|(a*)*[bc]$", "^(([a-z])+.)+[0-9]([a-z])+$",
        "(.*)(.*)(.*)(.*)(.*)(.*)[xy]", "a*a*[bc]", "a*a*a*a*a*a*[bc]", "(?:(?:a*)*)*[bc]", "^(?:a?){60}a{60}[bc]",
        "(?:a(?R)?)+[bc]", "^(.*?,){12}P", "(?=(a+))a*[bc]\\1", "(a?a?a?a?a?a?a?a?)*?[bc]", "(\\w+\\s?)+$[bc]",
        ".{0,90}.{0,90}[bc]", "(?:a{0,9}){0,4}[bc]",
    ]

    /// By compiled code and by the interpreter, which count otherwise. None of them matches.
    @Test(arguments: catastrophic, [true, false])
    func endsWithinBounds(text: String, isCompiled: Bool) throws {
        let pattern = try Pattern(text, compiled: isCompiled)
        let clock = ContinuousClock()
        for length in [20, 100, 500, 1000] {
            let subject = PatternSubject(
                String(repeating: "a", count: length - 1) + "!" + String(repeating: "a", count: 30))
            var outcome = Pattern.Outcome.noMatch
            let time = clock.measure { outcome = pattern.search(subject, using: matcher) }
            if !text.hasSuffix("$") { #expect(outcome != .match) }
            // Milliseconds; without limits some would take longer than anybody waits.
            #expect(time < .seconds(2), "\(length) bytes: \(time)")
        }
        #expect(try Pattern("!").search(PatternSubject("a!"), using: matcher) == .match, "the matcher still works")
    }

    @Test(arguments: [true, false]) func tellsALimitFromNoMatch(isCompiled: Bool) throws {
        let subject = PatternSubject(String(repeating: "a", count: 100) + "!")
        #expect(try Pattern("^(a+)+$", compiled: isCompiled).search(subject, using: matcher) == .limitReached)
        #expect(try Pattern("^b", compiled: isCompiled).search(subject, using: matcher) == .noMatch)
        #expect(try Pattern("A!", compiled: isCompiled).search(subject, using: matcher) == .match)
    }

    /// Cut between characters, wherever the limit falls.
    @Test(arguments: 0..<5)
    func looksAtTheFirstKilobyteOnly(shift: Int) throws {
        let text = String(repeating: "a", count: shift) + String(repeating: "€", count: 1000) + "end"
        let subject = PatternSubject(text)
        #expect(try Pattern("end").search(subject, using: matcher) == .noMatch)
        #expect(try Pattern("^a{\(shift)}€{30}").search(subject, using: matcher) == .match)
        #expect(try Pattern("€$").search(subject, using: matcher) == .match)
        #expect(try Pattern("€$", compiled: false).search(subject, using: matcher) == .match)
    }
}
