import DeliveryPolicy
import MailModel
import Testing

/// `virtual` and `canonical` of Postfix.
@Suite struct AddressTableTests {
    static let local = Domain(canonical: "local.test")

    static func table(_ text: String, _ purpose: RewriteTable.Purpose = .virtual) -> TableReading<RewriteTable> {
        RewriteTable.read(Array(text.utf8), purpose: purpose, entryLimit: 1000)
    }

    private static let virtual = table(
        """
        virtual.test       anything at all, even <
        info@virtual.test  joe, Jane@Other.test
        joe+vip@virtual.test vip@other.test
        Joe@virtual.test   joe@other.test
        @virtual.test      catch@other.test
        mary               mary@other.test
        @old.test          @new.test
        "a b"@virtual.test spaced@other.test
        @both.test         @other.test, copy@other.test
        """)

    @Test(arguments: [
        ("info@virtual.test", ["joe@local.test", "Jane@other.test"]),
        ("INFO@virtual.test", ["joe@local.test", "Jane@other.test"]),
        ("joe+vip@virtual.test", ["vip@other.test"]),
        ("joe+x@virtual.test", ["joe+x@other.test"]),
        // The extension does not go on through @domain.
        ("nobody+x@virtual.test", ["catch@other.test"]),
        ("mary@local.test", ["mary@other.test"]), ("mary+a@local.test", ["mary+a@other.test"]),
        ("User.Name+x@old.test", ["User.Name+x@new.test"]),
        ("\"a b\"@virtual.test", ["spaced@other.test"]),
        ("x@both.test", ["x@other.test", "copy@other.test"]),
    ])
    func rewrites(address: String, results: [String]) throws {
        #expect(Self.virtual.problems == [])
        let rules = RewriteRules(localDomains: [Self.local], origin: Self.local, delimiters: "+")
        let found = Self.virtual.table.rewrite(try #require(Mailbox(address)), with: rules)
        #expect(found?.map(\.description) == results)
    }

    @Test func whatIsNotNamedStays() throws {
        let rules = RewriteRules(localDomains: [Self.local], origin: Self.local)
        for address in ["mary@foreign.test", "other@local.test", "mary+a@local.test"] {
            #expect(Self.virtual.table.rewrite(try #require(Mailbox(address)), with: rules) == nil)
        }
        #expect(Self.virtual.table.hasDomain(Domain(canonical: "virtual.test")))
        #expect(!Self.virtual.table.hasDomain(Domain(canonical: "old.test")))
    }

    @Test(arguments: [
        ("a@b.test |cat", "allowed in aliases only"), ("a@b.test /tmp/x", "allowed in aliases only"),
        ("a@b.test x, @y.test", "as the first one"), ("a@b.test \"open", "quote without its end"),
        ("a@b.test <x@y", "without its >"), ("a@b.test x@@y", "is no address"),
    ])
    func refusals(line: String, message: String) {
        let reading = Self.table(line)
        #expect(reading.errors.map(\.line) == [1])
        #expect(reading.errors.first?.message.contains(message) == true, "\(reading.errors)")
    }

    /// What is taken without parsing is what parsing would take.
    @Test(arguments: [
        "a@b.test", "a.b+c_d-e@x1.y2.test", "@b", "a", "a@", ".a@b", "a@b.", "a@-b.test", "a@b_c", "a@b..c", "a b@c",
        "-a@b",
        "|a@b", "/a@b", "a@b@c", "\"a\"@b",
    ])
    func plainAddressesAreTaken(value: String) {
        let isTaken = Self.table("k@l.test \(value)").errors.isEmpty
        let parsed = try? AddressList.parse(value)  // nil is the refusal
        #expect(isTaken == (parsed?.isEmpty == false && parsed?.contains { $0.isForAliases } == false))
    }

    @Test func canonicalHasOneResult() {
        #expect(Self.table("a@b.test x@y.test, z@y.test", .canonical).errors.count == 1)
        #expect(Self.table("a@b.test x@y.test", .canonical).errors == [])
    }

    @Test func masquerading() throws {
        let masquerade = Masquerade(
            rules: [.keep(Domain(canonical: "keep.example.org")), .hide(Domain(canonical: "example.org"))],
            exceptions: ["root"])
        func result(_ address: String) throws -> String? {
            masquerade.masquerade(try #require(Mailbox(address)))?.description
        }
        #expect(try result("a@host.example.org") == "a@example.org")
        #expect(try result("a@example.org") == nil)
        #expect(try result("a@x.keep.example.org") == nil)
        #expect(try result("Root@host.example.org") == nil)
        #expect(try result("a@badexample.org") == nil)
    }

    @Test func addressListsAsPeopleWriteThem() throws {
        func parse(_ text: String) throws -> [TableTarget] { try AddressList.parse(text) }
        func address(_ local: String, _ domain: String? = nil) -> TableTarget {
            .address(TableAddress(localPart: local, domain: domain.map { Domain(canonical: $0) }))
        }
        #expect(try parse("a, b@C.test,,c") == [address("a"), address("b", "c.test"), address("c")])
        #expect(try parse("\"a\" @x.test b @ y.test") == [address("a", "x.test"), address("b", "y.test")])
        #expect(try parse("a b") == [address("a"), address("b")])
        #expect(
            try parse("Joe (the (real) one) <joe@x.test>, \"Doe, J\" <j@x.test>") == [
                address("joe", "x.test"), address("j", "x.test"),
            ])
        #expect(try parse("\"a b\"@x.test") == [address("a b", "x.test")])
        #expect(try parse("\\joe, x") == [.mailbox(TableAddress(localPart: "joe", domain: nil)), address("x")])
        #expect(try parse("\"|/bin/x -f a, b\", c") == [.command("|/bin/x -f a, b"), address("c")])
        #expect(try parse("|/bin/x arg") == [.command("|/bin/x arg")])
        #expect(try parse("/dev/null") == [.file("/dev/null")])
        #expect(try parse(":include:/a/b, \":include:/c\"") == [.include("/a/b"), .include("/c")])
        #expect(try parse("@x.test") == [.domain(Domain(canonical: "x.test"))])
        #expect(throws: AddressList.Refusal.self) { try parse(":include:relative") }
        #expect(throws: AddressList.Refusal.self) { try parse(":fail: text") }
    }
}

extension TableTarget {
    fileprivate var isForAliases: Bool {
        switch self {
        case .include, .command, .file: true
        case .address, .mailbox, .domain: false
        }
    }
}
