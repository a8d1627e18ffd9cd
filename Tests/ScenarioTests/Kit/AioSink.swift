import Foundation
import MailTestKit

/// A receiving server of aiosmtpd, a process of its own.
struct AioSink {
    struct Facts: Decodable {
        var from: String
        var to: [String]
        var utf8: Bool
        var tls: Bool
    }

    let port: Int
    let directory: ScratchDirectory
    let process: ChildProcess

    /// - Parameters:
    ///   - certificate: Paths of certificate and key; offers STARTTLS.
    ///   - lmtp: Speaks LMTP, and has no room for a recipient "full" the first time.
    static func started(certificate: (String, String)? = nil, lmtp: Bool = false) async throws -> AioSink {
        let port = try LoopbackPort.free()
        let directory = try ScratchDirectory()
        let process = try ChildProcess(
            try await Tool.python(),
            [Tool.script("aio_sink.py"), "\(port)", directory.path]
                + (lmtp ? ["--lmtp"] : certificate.map { [$0.0, $0.1] } ?? []))
        try await process.line(containing: "listening")
        return AioSink(port: port, directory: directory, process: process)
    }

    /// Envelopes of the messages so far.
    var facts: [Facts] {
        get throws {
            try process.output.filter { $0.hasPrefix("{") }.map {
                try JSONDecoder().decode(Facts.self, from: Data($0.utf8))
            }
        }
    }

    func stop() async throws {
        process.terminate()
        try await process.waitForExit()
    }
}
