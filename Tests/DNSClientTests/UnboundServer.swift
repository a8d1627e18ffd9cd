import Foundation
import MailTestKit

/// An `unbound` of the tests' own on a random loopback port.
final class UnboundServer: Sendable {
    struct Unavailable: Error, CustomStringConvertible { let description: String }

    let port: UInt16
    var address: String { "127.0.0.1@\(port)" }
    /// Open while the server shall live.
    private let life: Pipe
    private let directory: URL

    /// Path of one of its files.
    func path(_ name: String) -> String { directory.appending(path: name).path }

    /// - Parameter zones: Lines of the `server:` clause.
    init(zones: String, clauses: String = "", files: [String: String] = [:]) throws {
        guard
            let binary = ["/usr/sbin/unbound", "/usr/local/sbin/unbound"].first(
                where: FileManager.default.isExecutableFile)
        else {
            throw Unavailable(description: "these tests need the unbound daemon: apt-get install unbound")
        }
        directory = FileManager.default.temporaryDirectory.appending(path: "apus-dns-\(UUID().uuidString)")
        var failure = ""
        for _ in 0..<5 {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            for (name, text) in files {
                try text.write(to: directory.appending(path: name), atomically: false, encoding: .utf8)
            }
            let port = UInt16(try LoopbackPort.free())
            try Self.configuration(directory.path, port, zones, clauses)
                .write(to: directory.appending(path: "unbound.conf"), atomically: false, encoding: .utf8)
            let (process, life, log) = (Process(), Pipe(), Pipe())
            process.executableURL = URL(filePath: "/bin/sh")
            process.arguments = ["-c", Self.keeper, "sh", binary, directory.path]
            process.standardInput = life
            process.standardOutput = FileHandle.nullDevice
            process.standardError = log
            try process.run()
            failure = Self.waitForStart(log.fileHandleForReading)
            if failure.isEmpty {
                self.port = port
                self.life = life
                return
            }
            try life.fileHandleForWriting.close()
            process.waitUntilExit()
        }
        throw Unavailable(description: "unbound does not start: \(failure)")
    }

    /// Ends the server when its own input ends: with this object or, however that ends, with the test process.
    private static let keeper = """
        "$1" -d -c "$2/unbound.conf" & child=$!
        exec 2>/dev/null
        read -r nothing
        kill $child
        rm -rf "$2"
        """

    /// - Returns: Empty once it serves; what it said where it ended before.
    private static func waitForStart(_ log: FileHandle) -> String {
        var text = ""
        while true {
            let data = log.availableData
            if data.isEmpty { return text.isEmpty ? "no word from it" : text }
            text += String(decoding: data, as: UTF8.self)
            if text.contains("start of service") {
                // Read on, so that it never waits for room in the pipe.
                log.readabilityHandler = { if $0.availableData.isEmpty { $0.readabilityHandler = nil } }
                return ""
            }
        }
    }

    private static func configuration(_ directory: String, _ port: UInt16, _ zones: String, _ clauses: String) -> String
    {
        """
        server:
            interface: 127.0.0.1
            port: \(port)
            do-ip6: no
            do-daemonize: no
            use-syslog: no
            logfile: ""
            verbosity: 1
            chroot: ""
            username: ""
            directory: "\(directory)"
            pidfile: "\(directory)/unbound.pid"
            num-threads: 1
            module-config: "iterator"
            do-not-query-localhost: no
            access-control: 127.0.0.0/8 allow
        \(zones)
        remote-control:
            control-enable: no
        \(clauses)
        """
    }
}
