import Foundation
import FoundationNetworking
import MailTestKit

/// A HAProxy of the test's own on loopback, which passes TCP connections on to one port.
final class HAProxy {
    let port: Int
    private let statistics: Int
    private let directory: ScratchDirectory
    private let process: ChildProcess

    private init(port: Int, statistics: Int, directory: ScratchDirectory, process: ChildProcess) {
        (self.port, self.statistics, self.directory, self.process) = (port, statistics, directory, process)
    }

    /// - Parameter server: Keywords of the server, as `send-proxy-v2`.
    static func started(to target: Int, server: String) async throws -> HAProxy {
        let directory = try ScratchDirectory("apus-scenario-haproxy")
        let ports = try LoopbackPort.free(2)
        let file = try directory.write(
            """
            global
                maxconn 200
            defaults
                mode tcp
                timeout connect 5s
                timeout client 60s
                timeout server 60s
                timeout check 60s
            frontend in
                bind 127.0.0.1:\(ports[0])
                default_backend mail
            backend mail
                option smtpchk EHLO balancer.test
                server apus 127.0.0.1:\(target) inter 200ms fall 1000 \(server)
            frontend statistics
                mode http
                bind 127.0.0.1:\(ports[1])
                stats enable
                stats uri /stats

            """, to: "haproxy.cfg")
        let process = try ChildProcess("haproxy", ["-db", "-f", file])
        try await wait(until: "HAProxy listens") {
            if !process.isRunning { throw TestKitError("haproxy ended: \(process.errors.joined(separator: "\n"))") }
            return LoopbackPort.isListening(ports[0])
        }
        return HAProxy(port: ports[0], statistics: ports[1], directory: directory, process: process)
    }

    /// The result of its last health check: `L7OK` where it saw a greeting and a reply to EHLO.
    func checkStatus() async throws -> String {
        guard let url = URL(string: "http://127.0.0.1:\(statistics)/stats;csv") else { return "" }
        let (body, _) = try await URLSession.shared.data(from: url)
        let rows = String(decoding: body, as: UTF8.self).split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        guard let column = rows.first?.firstIndex(of: "check_status"),
            let row = rows.first(where: { $0.starts(with: ["mail", "apus"]) })
        else { return "" }
        return String(row[column])
    }
}
