import DeliveryPolicy
import MailModel
import MailTestKit
import NodeRuntime
import Testing

/// Files of tables: which are taken, and how what is wrong in them is told.
@Suite struct TablesTests {
    private let files: ScratchDirectory

    init() throws { files = try ScratchDirectory("apus-tables") }

    private func parse(_ tables: String) throws(ConfigurationError) -> NodeConfiguration {
        try NodeConfiguration.parse(
            text: "ingress:\n  domains: [own.test]\n  \(tables)\n", file: "t.yaml",
            hostName: Domain(canonical: "mx.test"))
    }

    private func problems(_ tables: String) -> String {
        do throws(ConfigurationError) {
            _ = try IngressTables.load(parse(tables).ingress)
            return ""
        } catch { return error.description }
    }

    @Test func pathsOfTextFilesOnly() throws {
        try files.write("a b\n", to: "v")
        #expect(problems("tables: {virtual: \(files.file("v"))}") == "")
        #expect(problems("tables: {virtual: [\(files.file("v")), \(files.file("v"))]}") == "")
        #expect(problems("tables: {virtual: \"hash:/etc/postfix/virtual\"}").contains("names a type of table"))
        #expect(problems("tables: {virtual: /etc/postfix/virtual.db}").contains("is what postmap makes"))
        #expect(problems("tables: {virtual: \(files.file("none"))}").contains("t.yaml:3: ingress.tables.virtual"))
        #expect(problems("tables: {virtual: \(files.path)}").contains("not a file"))
    }

    @Test func allThatIsWrongIsTold() throws {
        try files.write("a@x.test |cat\nb@x.test c\nd@x.test /e\n", to: "v")
        try files.write("x: :include:\(files.file("missing"))\n", to: "a")
        let text = problems("tables: {virtual: \(files.file("v")), aliases: \(files.file("a"))}")
        #expect(text.contains("a:1: \":include:\(files.file("missing"))\" cannot be read: No such file"), "\(text)")
        #expect(text.contains("v:1: a@x.test: \"|cat\" is allowed in aliases only"))
        #expect(text.contains("v:3: d@x.test"))
    }

    @Test func limitsOfFiles() throws {
        try files.write(String(repeating: "#", count: 2000) + "\na b\nc d\n", to: "v")
        let path = files.file("v")
        #expect(problems("tables: {virtual: \(path), file_limit: 1000B}").contains("allowed: up to 1000"))
        #expect(problems("tables: {virtual: \(path), entry_limit: 1}").contains("v:3: c: is beyond the limit of 1"))
    }

    @Test func includedFilesMayIncludeOthers() throws {
        try files.write("all: :include:\(files.file("one"))\n", to: "a")
        try files.write("a@x.test\n:include:\(files.file("two"))\n", to: "one")
        try files.write("b@x.test\n:include:\(files.file("one"))\n", to: "two")
        let tables = try IngressTables.load(parse("tables: {aliases: \(files.file("a"))}").ingress)
        #expect(tables.recipients.aliases.first?.includes.keys.sorted() == [files.file("one"), files.file("two")])
        guard case .refused(let reply) = tables.recipients.expand(try #require(Mailbox("all@own.test"))) else {
            Issue.record("a loop of included files was not found")
            return
        }
        #expect(reply.text.contains("loop"))
    }

    @Test func localDomainsAndOrigin() throws {
        let given = try IngressTables.load(parse("tables: {local_domains: [l.test], origin: o.test}").ingress)
        #expect(given.recipients.rules.localDomains == [Domain(canonical: "l.test"), Domain(canonical: "mx.test")])
        #expect(given.recipients.rules.origin.name == "o.test")
        let standard = try IngressTables.load(parse("tables: {unknown_recipient: reject}").ingress)
        #expect(standard.recipients.rules.isLocal(Domain(canonical: "own.test")))
        #expect(standard.recipients.rules.origin.name == "own.test")
    }

    @Test func whomToAsk() throws {
        let verify = try parse(
            "verify: {hosts: {a.test: {smtp: \"10.0.0.1:26\"}, b.test: {lmtp: \"unix:/run/lmtp\"}, c.test: {mx: true}}}"
        ).ingress.verify
        #expect(
            verify.hosts.map(\.host) == [
                .host(HostPort(host: .address(.v4(0x0A00_0001)), port: 26), isLMTP: false), .unixLMTP("/run/lmtp"),
                .mx(port: 25),
            ])
        #expect(problems("verify: {hosts: {a.test: {}}}").contains("exactly one of smtp, lmtp, mx"))
        #expect(problems("verify: {positive_refresh: 40d}").contains("longer than positive_expire"))
        #expect(problems("rewrite: {masquerade_domains: \"!\"}").contains("is not a domain"))
    }
}
