import DNSClient
import Glibc
import MailModel
import NIOCore
import Synchronization
import Testing

/// Against a real server. One of it for all tests that it answers.
@Suite struct ResolverTests {
    static let zones = """
            local-zone: "test." static
            local-data: "two.test. 300 IN MX 20 b.two.test."
            local-data: "two.test. 300 IN MX 10 a.two.test."
            local-data: "a.two.test. 300 IN A 192.0.2.1"
            local-data: "a.two.test. 300 IN AAAA 2001:db8::1"
            local-data: "b.two.test. 300 IN A 192.0.2.2"
            local-data: "twin.test. 300 IN MX 5 B.two.test."
            local-data: "twin.test. 300 IN MX 5 a.TWO.test."
            local-data: "bare.test. 300 IN A 192.0.2.3"
            local-data: "null.test. 300 IN MX 0 ."
            local-data: "mixed.test. 300 IN MX 0 ."
            local-data: "mixed.test. 300 IN MX 10 a.two.test."
            local-data: "alias.test. 300 IN CNAME two.test."
            local-data: "toalias.test. 300 IN MX 10 mxalias.test."
            local-data: "mxalias.test. 300 IN CNAME b.two.test."
            local-data: "half.test. 300 IN MX 10 gone.half.test."
            local-data: "half.test. 300 IN MX 20 a.two.test."
            local-data: "gone.test. 300 IN MX 10 gone.half.test."
            local-data: "literal.test. 300 IN MX 10 192.0.2.9."
            local-data: "text.test. 300 IN TXT nothing"
            local-data: "refusing.test. 300 IN MX 10 mx.refused.test."
            local-data: "partly.test. 300 IN MX 10 mx.refused.test."
            local-data: "partly.test. 300 IN MX 20 a.two.test."
            local-zone: "refused.test." refuse
            local-zone: "silent.test." deny
            local-zone: "dead.test." always_transparent
            local-zone: "broken.test." always_transparent
            local-zone: "signed.test." always_transparent
        """
    /// Nothing listens at the port of discard.
    static let clauses = """
        auth-zone:
            name: "broken.test."
            fallback-enabled: no
        auth-zone:
            name: "signed.test."
            zonefile: "signed.zone"
        forward-zone:
            name: "dead.test."
            forward-addr: 127.0.0.1@9
        """
    private static let server = Result {
        try UnboundServer(
            zones: zones, clauses: clauses, files: ["signed.zone": SignedZone.text, "anchors": SignedZone.anchors])
    }

    private static func resolver(limit: Duration = .seconds(60)) throws -> Resolver {
        var configuration = DNSConfiguration(servers: [try server.get().address], queryLimit: limit)
        configuration.hostsFile = "/nonexistent"
        return try Resolver(configuration)
    }

    private static func find(_ name: String, limit: Duration = .seconds(60)) async throws -> MailHostsAnswer {
        try await resolver(limit: limit).hosts(for: Domain(canonical: name))
    }

    @Test func exchangesInOrderOfPreference() async throws {
        let found = try await Self.find("two.test").get()
        #expect(found.hosts.map(\.name) == ["a.two.test", "b.two.test"])
        #expect(found.hosts.map(\.preference) == [10, 20])
        #expect(found.hosts[0].addresses.map(\.description) == ["192.0.2.1", "2001:db8::1"])
        #expect(found.siteName == "(a|b).two.test")
        #expect(!found.isImplicit)
        #expect(!found.hosts[0].authenticated)
    }

    @Test func equalPreferencesShareTheSite() async throws {
        let found = try await Self.find("twin.test").get()
        #expect(found.hosts.map(\.name) == ["a.two.test", "b.two.test"])
        #expect(found.siteName == "(a|b).two.test")
    }

    @Test func domainWithoutExchangeIsItsOwnHost() async throws {
        let found = try await Self.find("bare.test").get()
        #expect(found.isImplicit)
        #expect(found.siteName == "bare.test")
        #expect(found.hosts.map(\.addresses) == [[.v4(0xC000_0203)]])
    }

    @Test func aliasesAreFollowed() async throws {
        #expect(try await Self.find("alias.test").get().siteName == "(a|b).two.test")
        let target = try await Self.find("toalias.test").get()
        #expect(target.hosts.map(\.name) == ["mxalias.test"])
        #expect(target.hosts[0].addresses == [.v4(0xC000_0202)])
    }

    @Test func rootAmongOthersIsIgnored() async throws {
        #expect(try await Self.find("mixed.test").get().hosts.map(\.name) == ["a.two.test"])
    }

    @Test func hostWithoutAddressIsSkippedButNamesTheSite() async throws {
        let found = try await Self.find("half.test").get()
        #expect(found.hosts.map(\.name) == ["a.two.test"])
        #expect(found.siteName == "(a.two|gone.half).test")
    }

    @Test func oneHostInTroubleLeavesTheOthers() async throws {
        #expect(try await Self.find("partly.test").get().hosts.map(\.name) == ["a.two.test"])
    }

    @Test(arguments: [
        ("absent.test", Failure.LookupFailure.noSuchDomain), ("null.test", .nullMX), ("gone.test", .noHost),
        ("literal.test", .noHost), ("text.test", .noHost), ("refusing.test", .temporary),
        ("x.refused.test", .temporary), ("x.broken.test", .temporary),
    ])
    func failures(name: String, failure: Failure.LookupFailure) async throws {
        let answer = try await Self.find(name)
        #expect(answer.failed?.failure == failure, "\(answer)")
        #expect(answer.failed?.text.isEmpty == false)
    }

    @Test func signedAnswersAreAuthenticatedAndForgedOnesRefused() async throws {
        let server = try Self.server.get()
        let resolver = try Resolver(
            DNSConfiguration(servers: [server.address], trustAnchors: server.path("anchors")))
        let found = try await resolver.hosts(for: Domain(canonical: "signed.test")).get()
        #expect(found.hosts.map(\.name) == ["mx.signed.test"])
        #expect(found.hosts[0].authenticated)
        let absent = await resolver.records(Question("absent.signed.test", .mx))
        #expect(absent.status == .noSuchName && absent.isSecure)
        let plain = try await resolver.hosts(for: Domain(canonical: "bare.test")).get()
        #expect(!plain.hosts[0].authenticated)
        let forged = await resolver.hosts(for: Domain(canonical: "two.test"))
        #expect(forged.failed?.failure == .temporary)
        #expect(forged.failed?.text.contains("DNSSEC validation failed") == true, "\(forged)")
        // Without anchors the same answers are taken, and prove nothing.
        let trusting = try await Self.resolver().hosts(for: Domain(canonical: "signed.test")).get()
        #expect(!trusting.hosts[0].authenticated)
    }

    @Test(arguments: ["x.silent.test", "x.dead.test"])
    func silenceIsTemporary(name: String) async throws {
        let answer = try await Self.find(name, limit: .milliseconds(200))
        #expect(answer.failed?.failure == .temporary)
        #expect(answer.failed?.text.contains("no answer within") == true, "\(answer)")
    }

    @Test func closingEndsWhatWaits() async throws {
        let resolver = try Self.resolver()
        let answer = await withCheckedContinuation { continuation in
            resolver.lookup(Domain(canonical: "y.silent.test")) { continuation.resume(returning: $0) }
            resolver.close()
        }
        #expect(answer.failed?.failure == .temporary)
        let late = await resolver.hosts(for: Domain(canonical: "two.test"))
        #expect(late.failed?.failure == .temporary)
        #expect(await resolver.records(Question("two.test", .mx)).status == .failed("the resolver was closed"))
    }

    @Test func secondAnswerComesWithoutHop() async throws {
        let resolver = try Self.resolver()
        for name in ["two.test", "absent.test"] {
            let first = await resolver.hosts(for: Domain(canonical: name))
            let second = Mutex<MailHostsAnswer?>(nil)
            resolver.lookup(Domain(canonical: name)) { answer in second.withLock { $0 = answer } }
            #expect(second.withLock { $0 } == first)
        }
    }

    @Test func manyAtOnce() async throws {
        let resolver = try Self.resolver()
        let names = ["two.test", "twin.test", "bare.test", "half.test", "absent.test", "null.test"]
        let answers = await withTaskGroup(of: MailHostsAnswer.self) { group in
            for index in 0..<600 {
                group.addTask { await resolver.hosts(for: Domain(canonical: names[index % names.count])) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count == 600)
        #expect(answers.filter { $0.failed == nil }.count == 400)
    }

    @Test(arguments: [
        "", "a..test", "-", "with space.test", "x\u{0}y.test", String(repeating: "a", count: 64) + ".test",
    ])
    func malformedNamesAreNotAsked(name: String) async throws {
        #expect(try await Self.find(name).failed?.failure == .noSuchDomain)
    }

    @Test func literalsNeedNoServer() async throws {
        let v4 = try await Self.find("[192.0.2.7]").get()
        #expect(v4.hosts.map(\.addresses) == [[.v4(0xC000_0207)]])
        #expect(v4.siteName == "[192.0.2.7]")
        #expect(
            try await Self.find("[ipv6:2001:db8::7]").get().hosts[0].addresses.map(\.description) == ["2001:db8::7"])
        for bad in ["[300.0.0.1]", "[2001:db8::7]", "[ipv6:192.0.2.1]", "[0.0.0.0]", "[x]"] {
            #expect(try await Self.find(bad).failed?.failure == .noSuchDomain)
        }
    }

    @Test func relaysByNameAndAddress() async throws {
        let resolver = try Self.resolver()
        #expect(try await resolver.addresses(of: "127.0.0.1").get().hosts[0].addresses == [.v4(0x7F00_0001)])
        #expect(try await resolver.addresses(of: "::1").get().hosts[0].addresses == [.v6(high: 0, low: 1)])
        #expect(try await resolver.addresses(of: "localhost").get().hosts[0].addresses.count == 2)
        let host = try await resolver.addresses(of: "A.two.test.").get()
        #expect(host.hosts.map(\.name) == ["a.two.test"])
        #expect(host.hosts[0].addresses.count == 2)
        #expect(await resolver.addresses(of: "absent.test").failed?.failure == .noSuchDomain)
        #expect(await resolver.addresses(of: "text.test").failed?.failure == .noHost)
        #expect(await resolver.addresses(of: "not a host").failed?.failure == .noSuchDomain)
    }

    @Test func recordsAsTheyAre() async throws {
        let answer = try await Self.resolver().records(Question("text.test", .txt))
        #expect(answer.status == .records([[7] + Array("nothing".utf8)]))
        #expect(answer.ttl > 0 && answer.ttl <= 300)
    }

    @Test func serversThatCannotBeReadStopTheStart() {
        #expect(throws: ResolverError.self) { try Resolver(DNSConfiguration(servers: ["dns.example"])) }
        #expect(throws: ResolverError.self) {
            try Resolver(DNSConfiguration(servers: ["127.0.0.1"], trustAnchors: "/nonexistent"))
        }
    }

    private static func drive(_ table: QueryTable) throws {
        while table.running > 0 {
            var descriptor = pollfd(fd: try #require(table.descriptor), events: Int16(POLLIN), revents: 0)
            #expect(poll(&descriptor, 1, table.nextDeadline == nil ? 10_000 : 50) >= 0)
            table.advance()
        }
    }

    @Test func queriesRunningAreLimitedAndAllEnd() throws {
        let table = try QueryTable(DNSConfiguration(servers: [try Self.server.get().address]))
        let count = QueryTable.maximumRunning * 3 / 2
        var absent = 0
        for index in 0..<count {
            table.ask(Question("h\(index).test", .a)) { if $0.status == .noSuchName { absent += 1 } }
        }
        #expect(table.running == QueryTable.maximumRunning)
        try Self.drive(table)
        #expect(absent == count)
    }

    @Test func aQuestionThatTimedOutCanBeAskedAgain() throws {
        let server = try Self.server.get().address
        let table = try QueryTable(DNSConfiguration(servers: [server], queryLimit: .milliseconds(50)))
        var answers: [DNSAnswer] = []
        for round in 1...3 {
            table.ask(Question("again.silent.test", .a)) { answers.append($0) }
            #expect(table.running == 1)
            try Self.drive(table)
            #expect(answers.count == round && answers.last?.status != .noData)
        }
        table.ask(Question("again.silent.test", .a)) { answers.append($0) }
        table.close()
        #expect(answers.last?.status == .failed("the resolver was closed"))
    }

    @Test func equalQuestionsUnderWayShareAQuery() throws {
        let table = try QueryTable(DNSConfiguration(servers: [try Self.server.get().address]))
        var answers: [DNSAnswer] = []
        for _ in 0..<3 { table.ask(Question("two.test", .mx)) { answers.append($0) } }
        table.ask(Question("two.test", .a)) { answers.append($0) }
        #expect(table.running == 2)
        try Self.drive(table)
        #expect(answers.count == 4)
        #expect(
            answers.filter { if case .records(let records) = $0.status { records.count == 2 } else { false } }.count
                == 3)
    }
}

extension MailHostsAnswer {
    var failed: LookupError? {
        if case .failure(let error) = self { error } else { nil }
    }
}
