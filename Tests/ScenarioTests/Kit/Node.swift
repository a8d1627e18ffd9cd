import Foundation
import FoundationNetworking
import MailTestKit
import Testing

/// A running `apus` with a configuration and a spool of its own on loopback ports.
final class Node {
    /// What differs from the configuration all scenarios share.
    struct Settings {
        var partitions = 8
        var spoolDirectory: String?
        /// Lines under `ingress:`.
        var ingress: [String] = []
        /// Keys under `sender:`; they take the place of the shared ones.
        var sender: [String: String] = [:]
        /// Pattern and value, in order.
        var routes: [(String, String)] = []
        var dnsPort: Int?
        var listener = ""
        /// Further lines of the file.
        var lines: [String] = []

        init(routes: [(String, String)] = []) { self.routes = routes }
    }

    let directory: ScratchDirectory
    let smtp: Int
    let http: Int
    let settings: Settings
    private(set) var process: ChildProcess?

    var configuration: String { directory.file("apus.yaml") }
    var spool: String { settings.spoolDirectory ?? directory.file("spool") }
    var socket: String { directory.file("admin.sock") }

    /// Writes the configuration; `start` runs the node.
    init(_ settings: Settings) throws {
        directory = try ScratchDirectory("apus-scenario")
        let ports = try LoopbackPort.free(2)
        (smtp, http) = (ports[0], ports[1])
        self.settings = settings
        try directory.write(text(), to: "apus.yaml")
    }

    /// With a route from each domain to a port on loopback.
    static func started(_ settings: Settings) async throws -> Node {
        let node = try Node(settings)
        try await node.start()
        return node
    }

    func start(timeout: Duration = patience) async throws {
        let child = try Apus.start(["serve", "--config", configuration])
        process = child
        do {
            try await wait(until: "the node is ready", timeout: timeout) {
                if !child.isRunning { throw TestKitError("the node ended: \(child.exit.map { "\($0)" } ?? "")") }
                return await isReady
            }
        } catch {
            throw TestKitError("\(error)\n" + (child.output + child.errors).suffix(30).joined(separator: "\n"))
        }
    }

    var isReady: Bool { get async { await (try? get("/readyz"))?.status == 200 } }

    /// As a crash.
    func kill() async throws {
        process?.killNow()
        try await process?.waitForExit()
    }

    @discardableResult
    func stop(timeout: Duration = patience) async throws -> ChildProcess.Exit? {
        process?.terminate()
        return try await process?.waitForExit(timeout: timeout)
    }

    private func text() -> String {
        var sender = [
            "retry":
                "{default: {first: 1s, factor: 1, max: 1s, jitter: 0%}, greylisting: {first: 1s}, quota: {first: 1s}}",
            "dead_host": "{first: 1s, max: 1s}", "tls": "none",
            "lane":
                "{connections: 20, start_connections: 5, messages_per_connection: 1000, connection_rate: unlimited}",
            "timeouts": "{connect: 2s, greeting: 5s, ehlo: 5s, mail: 5s, rcpt: 5s, data: 5s, acknowledgement: 30s}",
            "drain_time": "5s",
        ]
        sender.merge(settings.sender) { $1 }
        let routes = settings.routes.map { "  \"\($0)\": \($1)\n" }.joined()
        return """
            node: n1
            spool: {local: {directory: \(spool), partitions: \(settings.partitions)}}
            ingress:
              hostname: mx.apus.test
              listeners: [{address: 127.0.0.1:\(smtp), name: in\(settings.listener)}]
            \(settings.ingress.map { "  \($0)\n" }.joined())
            sender:
            \(sender.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.value)\n" }.joined())
            \(routes.isEmpty ? "" : "routes:\n" + routes)
            \(settings.dnsPort.map { "dns: {servers: [127.0.0.1@\($0)], timeout: 5s}" } ?? "")
            http: {address: 127.0.0.1:\(http), socket: \(directory.file("admin.sock"))}
            log: {level: info}
            \(settings.lines.joined(separator: "\n"))

            """
    }
}

extension Node {
    func get(_ path: String) async throws -> (status: Int, body: Data) {
        guard let url = URL(string: "http://127.0.0.1:\(http)\(path)") else { throw TestKitError("no URL: \(path)") }
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = 60
        let session = URLSession(configuration: configuration)
        defer { session.finishTasksAndInvalidate() }
        let (body, response) = try await session.data(from: url)
        return ((response as? HTTPURLResponse)?.statusCode ?? 0, body)
    }

    /// Series by name with labels, as `/metrics` prints them.
    func metrics() async throws -> [String: Double] {
        let text = String(decoding: try await get("/metrics").body, as: UTF8.self)
        var series: [String: Double] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
                continue
            }
            series[String(line[..<space])] = value
        }
        return series
    }

    func metric(_ name: String) async throws -> Double {
        try await metrics().filter { $0.key == name || $0.key.hasPrefix(name + "{") }.values.reduce(0, +)
    }

    /// Until nothing is queued and everything in the spool was taken in; then the books must balance.
    func waitUntilEmpty(timeout: Duration = patience) async throws {
        let names = ["apus_queued_recipients", "apus_spool_lag_records", "apus_uncommitted_attempts"]
        var last: [String: Double] = [:]
        do {
            var wasEmpty = false
            try await wait(until: "the queue is empty", timeout: timeout) {
                let all = try await metrics()
                last = all.filter { key, value in value != 0 && names.contains { key.hasPrefix($0) } }
                let isEmpty = last.isEmpty && names.allSatisfy { name in all.keys.contains { $0.hasPrefix(name) } }
                // The figures of one answer are taken one after the other: what was taken in between is in the next.
                defer { wasEmpty = isEmpty }
                return wasEmpty && isEmpty
            }
        } catch { throw TestKitError("\(error): \(last)") }
        let books = try await metrics().filter { $0.key.hasPrefix("apus_conservation_difference") }
        #expect(!books.isEmpty && books.values.allSatisfy { $0 == 0 }, "accepted is not ended plus queued: \(books)")
    }

    /// Bytes of resident memory.
    var memory: Int {
        guard let process,
            let text = try? String(contentsOfFile: "/proc/\(process.pid)/statm", encoding: .ascii),
            let pages = Int(text.split(separator: " ").dropFirst().first ?? "")
        else { return 0 }  // ended: holds nothing
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    var log: [String] { process?.errors ?? [] }
}
