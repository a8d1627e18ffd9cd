import Foundation
import MailTestKit

/// An `unbound` of the tests' own on a random loopback port, with the names a test gives it.
final class Unbound {
    let port: Int
    private let directory: ScratchDirectory
    private let process: ChildProcess

    private init(port: Int, directory: ScratchDirectory, process: ChildProcess) {
        (self.port, self.directory, self.process) = (port, directory, process)
    }

    /// - Parameters:
    ///   - zones: What this server alone answers for; names in them that no record has do not exist.
    ///   - records: In presentation format, as `dst.test. MX 10 a.dst.test.`.
    static func started(zones: [String], records: [String]) async throws -> Unbound {
        let directory = try ScratchDirectory("apus-scenario-dns")
        let port = try LoopbackPort.free()
        let lines =
            zones.map { "    local-zone: \"\($0)\" static" }
            + zones.map { "    local-data: \"\($0) SOA ns.\($0) postmaster.\($0) 1 3600 600 86400 60\"" }
            + records.map { "    local-data: '\($0)'" }
        let configuration = """
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
                directory: "\(directory.path)"
                pidfile: "\(directory.file("unbound.pid"))"
                num-threads: 1
                module-config: "iterator"
                do-not-query-localhost: no
                access-control: 127.0.0.0/8 allow
            \(lines.joined(separator: "\n"))
            remote-control:
                control-enable: no

            """
        let path = try directory.write(configuration, to: "unbound.conf")
        let process = try ChildProcess("unbound", ["-d", "-c", path])
        try await process.line(containing: "start of service")
        return Unbound(port: port, directory: directory, process: process)
    }
}
