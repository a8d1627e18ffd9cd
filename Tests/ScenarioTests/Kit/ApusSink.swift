import Foundation
import MailTestKit

/// `apus sink` as a process of its own, with a record of what it took.
struct ApusSink {
    struct Record: Decodable {
        var recipients: [String]
        var size: Int
        var headers: [String: String]?
    }

    let port: Int
    private let process: ChildProcess
    private let record: String

    static func started(_ options: [String], in directory: ScratchDirectory) async throws -> ApusSink {
        let port = try LoopbackPort.free()
        let record = directory.file("record.jsonl")
        let process = try Apus.start(["sink", "127.0.0.1:\(port)", "--record", record] + options)
        try await wait(until: "apus sink listens") {
            if !process.isRunning { throw TestKitError("apus sink ended: \(process.errors.joined(separator: "\n"))") }
            return LoopbackPort.isListening(port)
        }
        return ApusSink(port: port, process: process, record: record)
    }

    /// Ends it with SIGTERM.
    ///
    /// - Returns: What it recorded.
    func stop() async throws -> [Record] {
        process.terminate()
        let exit = try await process.waitForExit()
        guard exit == .code(0) else { throw TestKitError("apus sink: \(exit) \(process.errors)") }
        return try JSONLines.decode(Record.self, Data(contentsOf: URL(filePath: record)))
    }
}
