/// What hosts write when they refuse. Patterns are matched in `ReplyWords`: lower case, punctuation as one space; a
/// space at an end asks for the end of a word.
enum KnownWords {
    typealias Table = [(pattern: [UInt8], bounceClass: BounceClass)]

    /// The source or the content is unwanted, whatever code says so. The first that matches counts.
    static let blocks: Table = table(
        (.virusRelated, [" virus", " malware", " infected", " trojan", " phish"]),
        (
            .spamRelated,
            [
                " spamhaus", " spamcop", " spam", " blacklist", " black list", " blocklist", " block list",
                " block listed",
                " dnsbl", " rbl ", " rbls ", " barracuda", " unsolicited", " bulk mail", " junk", " uceprotect",
                " sorbs ",
                " invaluement", " senderscore", " reputation",
            ]
        ),
        (
            .policyRelated,
            [
                " blocked using", " client host blocked", " ip blocked", " is blocked", " has been blocked by",
                " banned",
                " dmarc", " unauthenticated", " reverse dns", " reverse hostname", " ptr record", " rdns",
                " client host rejected", " helo command rejected", " rate limit", " too many connections",
                " part of their network is on our",
            ]
        )
    )

    /// Under x.7.x, which says no more than "security or policy".
    static let security: Table = table(
        (
            .relayingIssues,
            [" relay access denied", " relaying", " relay not permitted", " unable to relay", " to relay "]
        ),
        (.contentRelated, [" its content", " message content", " attachment", " executable"])
    )

    /// Where the enhanced code is missing or vague.
    static let others: Table = table(
        (
            .relayingIssues,
            [" relay access denied", " relaying", " relay not permitted", " unable to relay", " to relay "]
        ),
        (
            .quotaIssues,
            [
                " quota", " mailbox full", " mailbox is full", " inbox is full", " inbox full", " mailfolder is full",
                " insufficient system storage", " insufficient storage", " out of storage", " mailbox size limit",
                " exceeded storage",
            ]
        ),
        (.invalidSender, [" sender address rejected", " sender rejected", " sender verify", " invalid sender"]),
        (
            .inactiveMailbox,
            [
                " mailbox is disabled", " mailbox disabled", " account is disabled", " account disabled",
                " is inactive",
                " inactive", " account has been disabled", " account is suspended", " deactivated", " no longer active",
                " not active",
            ]
        ),
        (
            .badMailbox,
            [
                " user unknown", " unknown user", " no such user", " no such recipient", " no such mailbox",
                " no such address", " no mailbox", " user not found", " recipient not found", " mailbox not found",
                " user doesn t have", " does not exist", " doesn t exist", " recipient address rejected access denied",
                " unknown recipient", " recipient unknown", " invalid recipient", " invalid mailbox",
                " unknown mailbox",
                " mailbox unavailable", " bad destination mailbox", " not a valid mailbox", " unknown local part",
                " unrouteable address", " address unknown", " user not known", " no account by that name",
            ]
        ),
        (.routingErrors, [" mail loop", " loops back", " too many hops", " hop count", " unrouteable"]),
        (
            .contentRelated,
            [
                " message size", " message too large", " message is too large", " too big", " size limit",
                " attachment",
                " message content", " bare lf", " line too long", " header",
            ]
        ),
        (
            .policyRelated,
            [" blocked", " policy", " denied", " not authorized", " not allowed", " spf ", " dkim ", " rejected by"]
        )
    )

    static let greylisting = patterns(" greylist", " graylist", " grey list", " gray list", " greylisted")

    /// Stated with 4.7.1 by hosts that do not greylist.
    static let reasons = patterns(
        " relay", " rate", " too many", " limit", " blocked", " hostname", " helo", " authenticat", " tls", " dmarc",
        " spf ", " dkim ", " policy", " denied")

    static let throttling = patterns(
        " too many", " rate limit", " throttl", " too quickly", " unusual rate", " temporarily deferred", " slow down",
        " rate that", " temporarily rate", " too fast", " too much mail", " excessive")

    static let crowds = patterns(" too many recipients", " too many addresses")
    static let encryption = patterns(" starttls", " tls ", " encrypt")

    private static func table(_ rows: (BounceClass, [StaticString])...) -> Table {
        rows.flatMap { bounceClass, texts in texts.map { (bytes($0), bounceClass) } }
    }

    private static func patterns(_ texts: StaticString...) -> [[UInt8]] { texts.map(bytes) }

    private static func bytes(_ text: StaticString) -> [UInt8] { text.withUTF8Buffer { Array($0) } }
}
