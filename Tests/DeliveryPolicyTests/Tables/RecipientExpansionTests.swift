import DeliveryPolicy
import MailModel
import Testing

/// Aliases and virtual tables followed to their ends.
@Suite struct RecipientExpansionTests {
    private static let local = Domain(canonical: "local.test")

    private static func expand(
        _ address: String, aliases: String = "", virtual: String = "", includes: [String: String] = [:],
        limits: RecipientTables.Limits = .init(), domains: Set<Domain> = [local]
    ) throws -> RecipientExpansion {
        var table = AliasTable.read(Array(aliases.utf8), entryLimit: 10_000)
        #expect(table.errors == [])
        for (path, text) in includes {
            #expect(
                table.table.readInclude(Array(text.utf8), path: path, entryLimit: 1000).filter { !$0.isWarning } == [])
        }
        let tables = RecipientTables(
            virtual: [AddressTableTests.table(virtual).table], aliases: [table.table],
            rules: RewriteRules(localDomains: domains, origin: local, delimiters: "+"), limits: limits)
        return tables.expand(try #require(Mailbox(address)))
    }

    private static func results(_ expansion: RecipientExpansion) -> [String] {
        guard case .expanded(let all) = expansion else { return ["\(expansion)"] }
        return all.map { $0.mailbox.description + ($0.list.map { " by \($0.owner)" } ?? "") }
    }

    /// As in Postfix a user is one user, whichever local domain his mail is for.
    @Test func usersOfAllLocalDomainsAreThoseOfTheOrigin() throws {
        let domains: Set<Domain> = [Self.local, Domain(canonical: "second.test")]
        let aliases = "postmaster: joe\nself: self\njoe: \\joe, j@y.test\n"
        let expand = { Self.results(try Self.expand($0, aliases: aliases, domains: domains)) }
        #expect(try expand("postmaster@second.test") == ["joe@local.test", "j@y.test"])
        #expect(try expand("self@second.test") == ["self@local.test"])
    }

    private static let aliases = """
        # as in /etc/aliases
        Postmaster: root
        root: joe,
              "jane"@Other.test
        "spaced name": x@y.test
        joe: \\joe, joe@elsewhere.test
        self: self, copy@y.test
        list: :include:/lists/one, a@y.test
        owner-list: admin@y.test
        command: "|/bin/vacation joe"
        mixed: /var/mail/x, m@y.test
        plus: p@y.test
        """

    @Test(arguments: [
        ("postmaster@local.test", ["joe@local.test", "joe@elsewhere.test", "jane@other.test"]),
        ("\"Spaced Name\"@local.test", ["x@y.test"]), ("self@local.test", ["self@local.test", "copy@y.test"]),
        (
            "list@local.test",
            [
                "in@z.test by owner-list@local.test", "p@y.test by owner-list@local.test",
                "a@y.test by owner-list@local.test",
            ]
        ),
        ("mixed@local.test", ["m@y.test"]), ("plus+x@local.test", ["p@y.test"]),
    ])
    func aliases(address: String, results: [String]) throws {
        let found = try Self.expand(
            address, aliases: Self.aliases, includes: ["/lists/one": "# members\nin@z.test\n  plus\n"])
        #expect(Self.results(found) == results)
    }

    @Test func whatNoTableNames() throws {
        #expect(try Self.expand("nobody@local.test", aliases: Self.aliases) == .unknown)
        #expect(try Self.expand("root@other.test", aliases: Self.aliases) == .unknown)
        #expect(try Self.expand("x@v.test", virtual: "v.test x\ny@v.test z\n") == .noSuchUser)
        guard case .refused(let reply) = try Self.expand("command@local.test", aliases: Self.aliases) else {
            Issue.record("a command was taken")
            return
        }
        #expect(reply.enhanced == "5.1.1" && reply.text.contains("command"))
    }

    @Test func virtualThenAliases() throws {
        let found = try Self.expand(
            "info@v.test", aliases: "joe: real@y.test\n",
            virtual: "v.test x\ninfo@v.test joe, joe, x@v.test\nx@v.test x@v.test")
        #expect(Self.results(found) == ["real@y.test", "x@v.test"])
    }

    @Test(arguments: [
        ("a: b\nb: a\n", "a@local.test -> b@local.test -> a@local.test"),
        ("a: b\nb: c, x@y.test\nc: d\nd: b\n", "b@local.test -> c@local.test -> d@local.test -> b@local.test"),
        ("a: :include:/one\n", "/one"),
    ])
    func loopsAreNamed(aliases: String, path: String) throws {
        let found = try Self.expand("a@local.test", aliases: aliases, includes: ["/one": ":include:/one"])
        guard case .refused(let reply) = found else {
            Issue.record("\(found)")
            return
        }
        #expect(reply.enhanced == "5.4.6" && reply.text.contains("alias loop") && reply.text.contains(path))
    }

    @Test func limitsHold() throws {
        let chain = (0..<50).map { "a\($0): a\($0 + 1)" }.joined(separator: "\n")
        guard case .refused(let deep) = try Self.expand("a0@local.test", aliases: chain) else {
            return #expect(Bool(false))
        }
        #expect(deep.text.contains("more than 20 times"))
        // Every alias names all of the next layer: without memory of what was seen this would take 10^8 steps.
        let layers = (0..<8).flatMap { layer in
            (0..<10).map { "l\(layer)x\($0): " + (0..<10).map { "l\(layer + 1)x\($0)" }.joined(separator: ", ") }
        }.joined(separator: "\n")
        #expect(Self.results(try Self.expand("l0x0@local.test", aliases: layers)).count == 10)
        let wide = "all: " + (0..<1001).map { "u\($0)@y.test" }.joined(separator: ", ")
        guard case .refused(let many) = try Self.expand("all@local.test", aliases: wide) else {
            return #expect(Bool(false))
        }
        #expect(many.text.contains("more than 1000 recipients"))
        // An extension that goes on into its own result grows without end.
        guard case .refused = try Self.expand("a+x@v.test", virtual: "v.test x\na@v.test a+y@v.test\n") else {
            return #expect(Bool(false))
        }
    }

    @Test func whatCannotBeServedIsAWarning() {
        let reading = AliasTable.read(Array("a: |x\nb: /y, z\nc: d\nC: e\n".utf8), entryLimit: 9)
        #expect(reading.errors == [])
        #expect(reading.problems.map(\.line) == [1, 2, 4])
    }

    @Test(arguments: [
        ("nothing", "has no colon"), ("a@b.test: c", "virtual table"), ("a:", "has no value"),
        ("a: b@@c", "is no address"),
        ("  a: b", "begins with a blank"),
    ])
    func refusals(text: String, message: String) {
        let reading = AliasTable.read(Array(text.utf8), entryLimit: 9)
        #expect(reading.errors.first?.message.contains(message) == true, "\(reading.problems)")
        #expect(reading.errors.first?.line == 1)
    }
}
