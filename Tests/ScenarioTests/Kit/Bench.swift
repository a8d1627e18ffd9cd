import Foundation
import MailTestKit

/// What `apus bench --json` prints.
struct Bench: Decodable {
    struct Messages: Decodable {
        var started, accepted, refused, failed, neverBegun: Int
    }
    struct Delivery: Decodable {
        var received, unique, repeated, lost, unexpected: Int
    }
    struct Times: Decodable {
        var count, p50, max: Int
    }
    struct Phase: Decodable {
        var phase: String
        var us: Times
    }
    struct Replies: Decodable {
        var stage: String
        var code, count: Int
    }
    struct Errors: Decodable {
        var error: String
        var count: Int
        var example: String
    }

    var run: String
    var interrupted: Bool
    var messages: Messages
    var recipients: [String: Int]
    var connectionsMade: Int
    var octets: Int
    var phases: [Phase]?
    var replies: [Replies]?
    var errors: [Errors]?
    var delivery: Delivery?

    func phase(_ name: String) -> Times? { phases?.first { $0.phase == name }?.us }

    func count(_ stage: String, _ code: Int) -> Int {
        replies?.filter { $0.stage == stage && $0.code == code }.map(\.count).reduce(0, +) ?? 0
    }

    /// Runs it against a port on loopback.
    static func run(
        _ port: Int, _ arguments: [String]
    ) async throws -> (exit: ChildProcess.Exit, report: Bench) {
        let done = try await Apus.run(["bench", "127.0.0.1:\(port)", "--json"] + arguments)
        return (done.exit, try decode(done.output, done.errors))
    }

    static func decode(_ output: [String], _ errors: [String]) throws -> Bench {
        guard let line = output.last else { throw TestKitError("apus bench printed nothing: \(errors)") }
        return try JSONLine.decode(Bench.self, line)
    }
}

/// A line of JSON with names in snake case.
enum JSONLine {
    static func decode<Value: Decodable>(_ type: Value.Type, _ line: String) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(line.utf8))
    }
}

/// What `apus sink --json` prints of runs.
struct SinkRuns: Decodable {
    struct Run: Decodable {
        var run: String
        var received, unique, repeated, missing, highestNumber: Int
        var missingNumbers: String?
        var latencyUs: Bench.Times
    }

    var messages: Int
    var runs: [Run]?
}
