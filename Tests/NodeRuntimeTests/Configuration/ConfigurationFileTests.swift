import Foundation
import MailModel
import NodeRuntime
import Testing

/// The repository's example files and a directory for those of a test.
enum Files {
    static let host = Domain(canonical: "host.test")
    static let examples = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "config")

    /// A path beside the example files, so that relative paths in a test's text find them.
    static func path(_ name: String) -> String { examples.appending(path: name).path }

    static func temporaryDirectory() throws -> URL {
        let url = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url
    }
}

@Suite struct ConfigurationFileTests {
    @Test func everyExamplePasses() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Files.examples.path).filter {
            $0.hasSuffix(".yaml") && $0 != "bounces.yaml"  // named by apus.yaml, and read with it
        }
        #expect(names.contains("apus.yaml"))
        for name in names { _ = try NodeConfiguration.load(path: Files.path(name)) }
    }

    @Test func example() throws {
        let c = try NodeConfiguration.load(path: Files.path("apus.yaml"))
        #expect(c.node == "mx1")
        #expect(c.ingress.hostname.name == "mx1.example.org")
        #expect(c.ingress.listeners.map(\.name) == ["127.0.0.1:2525", "internet"])
        #expect(c.ingress.listeners.map(\.sendsFailureDSN) == [true, false])
        #expect(c.ingress.wishHeaders == ["x-virtual-mta": "X-Apus-Pool", "x-job": "X-Apus-Campaign"])
        #expect(c.sender.pools.map(\.name) == ["default", "bulk"])
        #expect(c.sender.source(named: "a2")?.address?.description == "192.0.2.2")
        #expect(c.routes.entries.map(\.pattern.description) == ["dst.test", "partner.example", "*.invalid"])
        #expect(c.routes.entries[1].connections == 2)
        #expect(c.routes.entries[1].tls == .required)
    }

    @Test func defaults() throws {
        let c = NodeConfiguration.defaults(hostName: Files.host)
        #expect(try NodeConfiguration.parse(text: "", file: "x", hostName: Files.host) == c)
        #expect(try NodeConfiguration.parse(text: "sender:\nroutes:\n", file: "x", hostName: Files.host) == c)
        #expect(c.node == "host.test")
        #expect(c.ingress.listeners.map(\.address.description) == ["127.0.0.1:2525"])
        #expect(c.ingress.listeners[0].relayFrom.map(\.description) == ["127.0.0.0/8", "::1/128"])
        #expect(c.ingress.listeners[0].tls == nil)
        #expect(c.sender.defaultPool == "default")
        #expect(c.sender.pools == [PoolConfiguration(name: "default", members: [.init(source: "unbound", weight: 1)])])
        #expect(c.sender.sources == [SourceConfiguration(name: "unbound", address: nil, ehlo: Files.host)])
        #expect(c.sender.lifetime == .seconds(432_000))
        #expect(c.sender.retry.rule(for: .timeout) == c.sender.retry.default)
        #expect(c.sender.retry.rule(for: .quota).first == .seconds(3600))
        #expect(c.sender.retry.rule(for: .quota).max == .seconds(7200))
        #expect(c.http.address?.description == "127.0.0.1:8025")
        #expect(!c.http.isSocketRequired)
    }

    @Test func dependentValues() throws {
        let text = """
            ingress:
              hostname: MX.Example.ORG.
              listeners:
                - {address: "[::]:25"}
                - {address: "[::1]:25", failure_dsn: false}
            sender:
              sources: {a: {address: "2001:db8::1"}}
              pools: {default: {a: 1}}
              lane: {connections: 1, connection_rate: unlimited}
              retry: {default: {first: 10m, factor: 1.5}, greylisting: {max: 1h}}
            http: {address: none, socket: x.sock}
            """
        let c = try NodeConfiguration.parse(text: text, file: "/etc/apus/apus.yaml", hostName: Files.host)
        #expect(c.ingress.listeners.map { $0.relayFrom.count } == [0, 2])
        #expect(c.ingress.listeners.map(\.sendsFailureDSN) == [false, false])
        #expect(c.sender.sources.map(\.ehlo.name) == ["mx.example.org"])
        #expect(c.sender.pools.count == 1)
        #expect(c.sender.lane.startConnections == 1)
        #expect(c.sender.lane.connectionRate == nil)
        let greylisting = RetryRule(first: .seconds(300), factor: 1.5, max: .seconds(3600), jitter: 0.2)
        #expect(c.sender.retry.rule(for: .greylisting) == greylisting)
        #expect(c.http.address == nil)
        #expect(c.http.socket == "/etc/apus/x.sock")
        #expect(c.http.isSocketRequired)
    }

    @Test func tlsOfListeners() throws {
        let directory = try Files.temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        for name in ["c.pem", "k.pem", "c2.pem"] { try Data("x".utf8).write(to: directory.appending(path: name)) }
        let text = """
            ingress:
              tls: {certificate: c.pem, key: k.pem}
              listeners:
                - {address: 127.0.0.1:25, tls: {required: true}}
                - {address: 127.0.0.1:26, tls: {certificate: c2.pem, key: k.pem}}
                - {address: 127.0.0.1:27, tls_on_connect: true}
            """
        let base = directory.path
        let c = try NodeConfiguration.parse(text: text, file: base + "/apus.yaml", hostName: Files.host)
        let tls = c.ingress.listeners.compactMap(\.tls)
        #expect(tls.map(\.certificate) == ["c.pem", "c2.pem", "c.pem"].map { "\(base)/\($0)" })
        #expect(tls.map(\.isRequired) == [true, false, false])
    }

    @Test func unreadable() throws {
        let directory = try Files.temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appending(path: "a.yaml")
        try Data([0x6E, 0xFF, 0xFE]).write(to: file)
        for (path, saying) in [(file.path, "not UTF-8"), (directory.path, "not a file"), ("/no/file", "No such file")] {
            let error = #expect(throws: ConfigurationError.self) { _ = try NodeConfiguration.load(path: path) }
            #expect(error?.description.contains(saying) == true)
        }
    }

    @Test func locator() throws {
        let directory = try Files.temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let (first, second) = (directory.path + "/a.yaml", directory.path + "/b.yaml")
        func found(_ option: String?, _ environment: String?) -> ConfigurationLocator.Location {
            ConfigurationLocator.locate(option: option, environment: environment, places: [first, second])
        }
        #expect(found(nil, nil) == .defaults)
        try Data("".utf8).write(to: URL(filePath: second))
        #expect(found(nil, nil) == .file(second))
        try Data("".utf8).write(to: URL(filePath: first))
        #expect(found(nil, "") == .file(first))
        #expect(found(nil, "/e") == .file("/e"))
        #expect(found("/o", "/e") == .file("/o"))
    }
}
