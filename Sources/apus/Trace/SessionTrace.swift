import ArgumentParser
import Foundation
import MailModel
import NIOCore
import NIOHTTP1

/// Which sessions are shown, and for how long.
struct SessionOptions: ParsableArguments {
    @Option(help: "Site: the MX set or relay host that the mail goes to.")
    var site: String?
    @Option(help: "Source: the name of a sending address.")
    var source: String?
    @Option(help: "Destination domain.")
    var domain: String?
    @Option(name: .customLong("id"), help: "Queue ID of a message that is still queued.")
    var message: String?
    @Option(help: "Attempts to show, 1 to 1000; 1 unless given.")
    var count: Int?
    @Option(name: .customLong("for"), help: "How long to wait for them, at most 1h; 5m unless given.")
    var time: String?

    var isGiven: Bool {
        site != nil || source != nil || domain != nil || message != nil || count != nil || time != nil
    }

    func check() throws {
        guard site != nil || source != nil || domain != nil || message != nil else {
            throw ValidationError("--session needs one of --site, --source, --domain, --id")
        }
        if let domain, Domain(normalizing: domain) == nil { throw ValidationError("--domain \(domain): not a domain") }
        if let message { _ = try queueID(message) }
        if let count, !(1...1000).contains(count) { throw ValidationError("--count \(count): must be 1 to 1000") }
        _ = try seconds()
    }

    func seconds() throws -> Int {
        guard let time else { return 300 }
        let seconds = Int(try ToolValue.duration(time).components.seconds)
        guard (1...3600).contains(seconds) else { throw ValidationError("--for \(time): must be 1s to 1h") }
        return seconds
    }

    func query() throws -> [URLQueryItem] {
        [
            ("site", site), ("source", source), ("domain", domain), ("id", message), ("count", count.map { "\($0)" }),
            ("seconds", "\(try seconds())"),
        ].compactMap { name, value in value.map { URLQueryItem(name: name, value: $0) } }
    }
}

/// `apus trace --session`: prints the lines of a node's sessions as they come.
struct SessionTrace {
    let options: SessionOptions
    let node: NodeOptions

    /// Ends with 1 where no attempt was seen.
    func run() async throws {
        let client = NodeClient(bases: try node.bases())
        var attempts = 0
        let isAnswered = try await client.follow(
            "/admin/v1/sessions", query: try options.query(), for: .seconds(Int64(try options.seconds()) + 60)
        ) { line in
            // A blank one says that the node is there.
            guard !line.isEmpty else { return }
            let shown = try SessionText(line)
            if shown.showsAttempt { attempts += 1 }
            if node.json {
                say(String(decoding: line, as: UTF8.self))
            } else {
                say(shown.description)
            }
        }
        guard isAnswered else {
            throw Exit.saying(
                "no node answers at \(client.bases.joined(separator: ", ")); sessions can only be seen where they run",
                Exit.unreachable)
        }
        if attempts == 0 { throw Exit.saying("no attempt was seen", Exit.no) }
    }
}
