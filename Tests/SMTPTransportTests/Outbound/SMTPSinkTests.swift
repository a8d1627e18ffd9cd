import Foundation
import MailTestKit
import NIOCore
import SMTPTransport
import Testing

/// A server that is not ours: of Postfix.
private let sinkPath = "/usr/sbin/smtp-sink"

@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: sinkPath)))
struct SMTPSinkTests {
    @Test(arguments: [[], ["-p"], ["-e", "-p"]]) func manyMails(options: [String]) async throws {
        let port = try LoopbackPort.free()
        let sink = Process()
        sink.executableURL = URL(fileURLWithPath: sinkPath)
        sink.arguments = ["-u", "nobody"] + options + ["127.0.0.1:\(port)", "100"]
        // An inherited output would keep whoever reads the tests' output waiting for its end.
        sink.standardOutput = FileHandle.nullDevice
        sink.standardError = FileHandle.nullDevice
        try sink.run()
        // It leaves SIGTERM blocked where its parent has it blocked.
        defer { kill(sink.processIdentifier, SIGKILL) }
        let target = try target(SocketAddress(ipAddress: "127.0.0.1", port: port))
        let content = ByteBuffer(string: String(repeating: ".line with a dot\r\nand one without\r\n", count: 120))
        let mails = (0..<200).map { _ in mail(["a", "b"], content: content) }
        try await wait(until: "smtp-sink listens") { LoopbackPort.isListening(port) }
        let seen = await Lane.run(mails, to: target)
        #expect(seen.results.count == 200 && seen.outcomes.allSatisfy { $0.hasPrefix("delivered: 250") })
        #expect(seen.end == "polite")
    }
}
