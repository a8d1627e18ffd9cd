import MailModel
import NodeRuntime
import Testing

/// A file that is wrong in one place, and what is said about it.
struct WrongFile: Sendable, CustomTestStringConvertible {
    let text: String
    let line: Int
    let key: String
    let saying: String

    init(_ text: String, line: Int, _ key: String, _ saying: String) {
        (self.text, self.line, self.key, self.saying) = (text, line, key, saying)
    }

    var testDescription: String { "\(key): \(saying)" }
}

@Suite struct ConfigurationErrorTests {
    static let scalars = [
        WrongFile("nodes: a", line: 1, "nodes", "did you mean \"node\"?"),
        WrongFile("zebra: a", line: 1, "zebra", "known here: node, event_loops, spool"),
        WrongFile("node: [a]", line: 1, "node", "single value"),
        WrongFile("node: true", line: 1, "node", "truth value"),
        WrongFile("node:", line: 1, "node", "no value"),
        WrongFile("node: \"a b\"", line: 1, "node", "is not a name"),
        WrongFile("sender:\n  lifetime: 5", line: 2, "sender.lifetime", "no unit"),
        WrongFile("sender:\n  lifetime: 5w", line: 2, "sender.lifetime", "unknown unit \"w\""),
        WrongFile("sender:\n  lifetime: 31d", line: 2, "sender.lifetime", "out of range; allowed: 1m…30d"),
        WrongFile("sender:\n  lifetime: 999999999999999d", line: 2, "sender.lifetime", "too large"),
        WrongFile("sender:\n  lifetime: -5d", line: 2, "sender.lifetime", "not a duration"),
        WrongFile("sender:\n\n  port: 0", line: 3, "sender.port", "allowed: 1…65535"),
        WrongFile("sender: {port: 70000}", line: 1, "sender.port", "out of range"),
        WrongFile("sender: {port: \"25\"}", line: 1, "sender.port", "whole number"),
        WrongFile("sender: {port: 2.5}", line: 1, "sender.port", "whole number"),
        WrongFile("sender: {tls: requird}", line: 1, "sender.tls", "did you mean \"required\"?"),
        WrongFile("sender: {retry: {default: {jitter: 20}}}", line: 1, "sender.retry.default.jitter", "percentage"),
        WrongFile("sender: {retry: {default: {jitter: 95%}}}", line: 1, "sender.retry.default.jitter", "0%…90%"),
        WrongFile("sender: {retry: {default: {factor: .nan}}}", line: 1, "sender.retry.default.factor", "number"),
        WrongFile("sender: {retry: {grey: {}}}", line: 1, "sender.retry.grey", "unknown key"),
        WrongFile("sender: {lane: {connection_rate: 100}}", line: 1, "sender.lane.connection_rate", "100/m"),
        WrongFile("sender: {lane: {connection_rate: 0/m}}", line: 1, "sender.lane.connection_rate", "nothing"),
        WrongFile("sender: {dsn: {from: a@b}}", line: 1, "sender.dsn.from", "local part"),
        WrongFile(
            "sender: {suppression: {classes: [policy-related]}}", line: 1, "sender.suppression.classes[0]",
            "allowed: one of bad-mailbox, inactive-mailbox"),
        WrongFile("sender: {suppression: {expiry: 180}}", line: 1, "sender.suppression.expiry", "no unit"),
        WrongFile("sender: 5", line: 1, "sender", "must be a mapping"),
        WrongFile("ingress: {size_limit: 50mb}", line: 1, "ingress.size_limit", "known: B, KB, MB"),
        WrongFile("ingress: {size_limit: 1KB}", line: 1, "ingress.size_limit", "out of range"),
        WrongFile("ingress:\n  domains: example.org", line: 2, "ingress.domains", "must be a list"),
        WrongFile("ingress:\n  domains:\n    - a.test\n    - -b-", line: 4, "ingress.domains[1]", "domain name"),
        WrongFile("ingress:\n  hostname: '[192.0.2.1]'", line: 2, "ingress.hostname", "domain name"),
        WrongFile("ingress: {wish_headers: {X-Job: X-Apus-Job}}", line: 1, "ingress.wish_headers.X-Job", "no wish"),
        WrongFile(
            "ingress: {wish_headers: {'X Job': X-Apus-Pool}}", line: 1, "ingress.wish_headers.X Job", "field name"),
        WrongFile("dns: {servers: [localhost]}", line: 1, "dns.servers[0]", "not an IP address"),
        WrongFile("dns: {servers: [127.0.0.1@0]}", line: 1, "dns.servers[0]", "port outside"),
        WrongFile("http: {address: 8025}", line: 1, "http.address", "IP address"),
        WrongFile("http: {token_file: /no/such/file}", line: 1, "http.token_file", "No such file"),
        WrongFile("http: {token_file: /}", line: 1, "http.token_file", "not a file"),
        WrongFile("reporting: {store: {}}", line: 1, "reporting", "unknown key"),
        WrongFile("spool: {kafka: {}}", line: 1, "spool.kafka", "unknown key"),
    ]

    static let contradictions = [
        WrongFile(
            "ingress:\n  listeners:\n    - {address: 127.0.0.1:25, relay_from: [10.0.0.0/33]}", line: 3,
            "ingress.listeners[0].relay_from[0]", "prefix length"),
        WrongFile(
            "ingress: {listeners: [{relay_from: [10.0.0.1/8]}]}", line: 1, "ingress.listeners[0].relay_from[0]",
            "bits set"),
        WrongFile(
            "ingress:\n  listeners:\n    - {address: 127.0.0.1:25}\n    - {address: 127.0.0.1:25}", line: 4,
            "ingress.listeners[1].address", "address of listeners[0]"),
        WrongFile(
            "ingress:\n  listeners:\n    - {address: 127.0.0.1:25, name: a}\n    - {address: 127.0.0.1:26, name: a}",
            line: 4, "ingress.listeners[1].name", "name of listeners[0]"),
        WrongFile(
            "ingress: {listeners: [{proxy_protocol: {from: [0.0.0.0/0]}}]}", line: 1,
            "ingress.listeners[0].proxy_protocol.from[0]", "believe everybody"),
        WrongFile(
            "ingress:\n  listeners:\n    - xclient: {from: ['::/0']}", line: 3,
            "ingress.listeners[0].xclient.from[0]", "believe everybody"),
        WrongFile(
            "ingress: {listeners: [{proxy_protocol: {timeout: 1s}}]}", line: 1,
            "ingress.listeners[0].proxy_protocol", "believes nobody"),
        WrongFile("ingress: {listeners: [{xclient: {from: []}}]}", line: 1, "ingress.listeners[0].xclient", "nobody"),
        WrongFile(
            "ingress: {client_limits: {message_rate: 100}}", line: 1, "ingress.client_limits.message_rate", "not a rate"
        ),
        WrongFile(
            "ingress: {client_limits: {ipv6_prefix: 129}}", line: 1, "ingress.client_limits.ipv6_prefix", "16…128"),
        WrongFile("ingress: {tarpit: {after: 20, delay: 1s}}", line: 1, "ingress.tarpit.after", "never reached"),
        WrongFile("ingress: {greet_delay: 5m}", line: 1, "ingress.greet_delay", "0s…1m"),
        WrongFile("ingress: {listeners: [{address: 127.0.0.1}]}", line: 1, "ingress.listeners[0].address", "no port"),
        WrongFile("ingress: {listeners: [{address: 'a:25'}]}", line: 1, "ingress.listeners[0].address", "IP address"),
        WrongFile(
            "ingress: {listeners: [{tls_on_connect: true}]}", line: 1, "ingress.listeners[0].tls_on_connect", "needs"),
        WrongFile(
            "ingress: {listeners: [{tls: {required: true}}]}", line: 1, "ingress.listeners[0].tls.required", "needs"),
        WrongFile("ingress:\n  tls:\n    certificate: apus.yaml", line: 3, "ingress.tls.certificate", "needs a key"),
        WrongFile("sender:\n  pools:\n    default: {a1: 1}", line: 3, "sender.pools.default.a1", "no source"),
        WrongFile(
            "sender:\n  sources: {a1: {address: 192.0.2.1}}\n  pools:\n    p:\n      a2: 1", line: 5,
            "sender.pools.p.a2", "did you mean \"a1\"?"),
        WrongFile("sender:\n  pools:\n    p: {}", line: 3, "sender.pools.p", "weight"),
        WrongFile(
            "sender:\n  sources: {a1: {address: 192.0.2.1}}\n  pools: {p: {a1: 0}}", line: 3, "sender.pools.p", "weight"
        ),
        WrongFile("sender: {default_pool: bulk}", line: 1, "sender.default_pool", "names no pool"),
        WrongFile(
            "sender:\n  sources:\n    a1: {address: mail.test}", line: 3, "sender.sources.a1.address", "IP address"),
        WrongFile("sender:\n  sources:\n    a1: {ehlo: mail.test}", line: 3, "sender.sources.a1", "no \"address\""),
        WrongFile("sender: {sources: {unbound: {address: 192.0.2.1}}}", line: 1, "sender.sources.unbound", "implicit"),
        WrongFile(
            "sender:\n  family: ipv6\n  sources: {a1: {address: 192.0.2.1}}", line: 3, "sender.sources.a1.address",
            "never be used"),
        WrongFile("sender:\n  lane:\n    start_connections: 11", line: 3, "sender.lane.start_connections", "above"),
        WrongFile("sender:\n  ready:\n    memory: 1GB", line: 3, "sender.ready.memory", "larger than total_memory"),
        WrongFile("sender:\n  dead_host: {max: 30s}", line: 2, "sender.dead_host", "max below first"),
        WrongFile(
            "sender:\n  retry:\n    quota: {first: 1h, max: 5m}", line: 3, "sender.retry.quota", "max below first"),
        WrongFile("routes:\n  a.test: {}", line: 2, "routes.a.test", "exactly one of"),
        WrongFile("routes:\n  a.test: {mx: true, discard: true}", line: 2, "routes.a.test", "2 destinations"),
        WrongFile("routes: {a.test: {discard: false}}", line: 1, "routes.a.test.discard", "leave the key out"),
        WrongFile("routes: {a.test: {relay: []}}", line: 1, "routes.a.test.relay", "empty list"),
        WrongFile("routes: {a.test: {relay: 'h:0'}}", line: 1, "routes.a.test.relay", "port outside"),
        WrongFile("routes: {a.test: {relay: 10.0.0.256}}", line: 1, "routes.a.test.relay", "not a host name"),
        WrongFile("routes: {a.test: {lmtp: 127.0.0.1:25}}", line: 1, "routes.a.test.lmtp", "RFC 2033"),
        WrongFile("routes: {a.test: {lmtp: h, port: 25}}", line: 1, "routes.a.test.port", "RFC 2033"),
        WrongFile("routes: {a.test: {lmtp: /run/lmtp}}", line: 1, "routes.a.test.lmtp", "write unix:/run/lmtp"),
        WrongFile("routes: {a.test: {lmtp: 'unix:lmtp'}}", line: 1, "routes.a.test.lmtp", "no absolute path"),
        WrongFile("routes: {a.test: {lmtp: 'unix:/run/'}}", line: 1, "routes.a.test.lmtp", "directory"),
        WrongFile(
            "routes: {a.test: {lmtp: 'unix:/\(String(repeating: "x", count: 107))'}}", line: 1, "routes.a.test.lmtp",
            "108 bytes"),
        WrongFile("routes: {a.test: {maildir: mail}}", line: 1, "routes.a.test.maildir", "not an absolute path"),
        WrongFile("routes: {a.test: {maildir: '/m/{name}'}}", line: 1, "routes.a.test.maildir", "known: {domain}"),
        WrongFile("routes: {a.test: {maildir: '/m/../{user}'}}", line: 1, "routes.a.test.maildir", "has a .. in it"),
        WrongFile("routes: {a.test: {maildir: '/{user}'}}", line: 1, "routes.a.test.maildir", "no directory before"),
        WrongFile("routes: {a.test: {maildir: /m/a, tls: none}}", line: 1, "routes.a.test.tls", "a Maildir"),
        WrongFile("routes: {a.test: {relay: h, create: false}}", line: 1, "routes.a.test.create", "but a Maildir"),
        WrongFile("routes: {a.test: {lmtp: 'unix:/l', tls: none}}", line: 1, "routes.a.test.tls", "Unix socket"),
        WrongFile("routes:\n  '*': {mx: true}\n  a.test: {mx: true}", line: 3, "routes.a.test", "never reached"),
        WrongFile("routes:\n  A.test: {mx: true}\n  a.test: {mx: true}", line: 3, "routes.a.test", "given twice"),
        WrongFile("routes: {a.test: {mx: true, pool: x}}", line: 1, "routes.a.test.pool", "names no pool"),
        WrongFile("routes: {'a..b': {mx: true}}", line: 1, "routes.a..b", "not a domain"),
        WrongFile("http: {address: 127.0.0.1:2525}", line: 1, "http.address", "ingress.listeners[0]"),
    ]

    static let broken = [
        WrongFile("node: a\nnode: b", line: 1, "node", "given twice"),
        WrongFile("sender:\n  port: 25\n  port: 26", line: 2, "port", "given twice"),
        WrongFile("node: 'a", line: 1, "", "not YAML"),
        WrongFile("a:\n\t- b", line: 2, "", "not YAML"),
        WrongFile("node: *a", line: 1, "", "undefined alias"),
        WrongFile("- a", line: 1, "", "must be a mapping"),
        WrongFile("node: a\n---\nnode: b", line: 2, "", "another document"),
        WrongFile("? [a]\n: b", line: 1, "", "no plain word"),
    ]

    @Test(arguments: scalars + contradictions + broken)
    func oneIssue(_ file: WrongFile) throws {
        let error = try #require(throws: ConfigurationError.self) {
            _ = try NodeConfiguration.parse(text: file.text, file: Files.path("x.yaml"), hostName: Files.host)
        }
        let issue = try #require(error.issues.first)
        #expect(error.issues.count == 1, "\(error)")
        #expect(issue.line == file.line, "\(error)")
        #expect(issue.key == file.key, "\(error)")
        #expect(issue.description.contains(file.saying), "\(error)")
        #expect(issue.description.hasPrefix("\(Files.path("x.yaml")):\(file.line): "))
    }

    @Test func allIssuesTogetherInOrder() throws {
        let text = "nod: a\nsender:\n  port: 0\n  lifetime: 1\ningress:\n  errors_limit: x\n"
        let error = try #require(throws: ConfigurationError.self) {
            _ = try NodeConfiguration.parse(text: text, file: "x.yaml", hostName: Files.host)
        }
        #expect(error.issues.map(\.line) == [1, 3, 4, 6])
        #expect(error.description.split(separator: "\n").count == 4)
        #expect(error.description.contains("x.yaml:3: sender.port: \"0\" is out of range; allowed: 1…65535"))
    }

    @Test func atMostTwentyAreShown() throws {
        let text = (0..<30).map { "key\($0)zzzzzz: a\n" }.joined()
        let error = try #require(throws: ConfigurationError.self) {
            _ = try NodeConfiguration.parse(text: text, file: "x.yaml", hostName: Files.host)
        }
        #expect(error.issues.count == 30)
        #expect(error.description.hasSuffix("… and 10 more"))
    }

    @Test func valuesAreShownEscapedAndCut() throws {
        let error = try #require(throws: ConfigurationError.self) {
            _ = try NodeConfiguration.parse(
                text: "node: \"a\\e[2J\(String(repeating: "x", count: 500))\"", file: "x.yaml", hostName: Files.host)
        }
        #expect(!error.description.contains("\u{1B}"))
        #expect(error.description.utf8.count < 400)
    }
}
