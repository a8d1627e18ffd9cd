import Foundation
import MailTestKit

/// A Postfix that runs from a folder of its own and relays everything to one port; the system's is not touched.
final class Postfix {
    private let directory: String
    private var isRunning = true

    private init(directory: String) { self.directory = directory }

    /// - Parameter more: Lines for `main.cf` that take the place of those here.
    static func started(name: String, port: Int, relayPort: Int, more: String = "") async throws -> Postfix {
        // Postfix refuses directories below others' writable ones.
        let directory = "/var/lib/apus-scenario-\(name)-\(UUID().uuidString)"
        let files = FileManager.default
        for part in ["etc", "queue", "data"] {
            try files.createDirectory(
                atPath: "\(directory)/\(part)", withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o755])
        }
        let postfix = Postfix(directory: directory)
        guard let user = getpwnam("postfix") else { throw TestKitError("no user postfix") }
        chown("\(directory)/data", user.pointee.pw_uid, gid_t.max)
        let master = try String(contentsOfFile: "/usr/share/postfix/master.cf.dist", encoding: .utf8)
        try write(services(master, port: port), to: "\(directory)/etc/master.cf")
        try write(settings(name, directory, relayPort) + more, to: "\(directory)/etc/main.cf")
        let started = try await ChildProcess.run("postfix", ["-c", "\(directory)/etc", "start"])
        guard started.exit == .code(0) else { throw TestKitError("postfix: \(started.errors + started.output)") }
        try await wait(until: "Postfix listens") { LoopbackPort.isListening(port) }
        return postfix
    }

    /// Lines of its log.
    var log: [Substring] {
        get throws {
            try String(contentsOfFile: "\(directory)/mail.log", encoding: .utf8).split(separator: "\n")
        }
    }

    func stop() async throws {
        isRunning = false
        _ = try await ChildProcess.run("postfix", ["-c", "\(directory)/etc", "stop"])
        try FileManager.default.removeItem(atPath: directory)
    }

    deinit {
        guard isRunning else { return }
        // A test failed: its master ends, and with it its children.
        if let text = try? String(contentsOfFile: "\(directory)/queue/pid/master.pid", encoding: .ascii),
            let pid = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines))
        {
            kill(pid, SIGTERM)
        }
        // What is left in the folder harms nobody.
        try? FileManager.default.removeItem(atPath: directory)
    }

    private static func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    /// Its services as shipped, on another port and without chroot.
    private static func services(_ master: String, port: Int) -> String {
        master.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            var fields = line.split(separator: " ", omittingEmptySubsequences: true).flatMap {
                $0.split(separator: "\t")
            }
            .map(String.init)
            guard fields.count >= 8, !line.hasPrefix("#"), !line.hasPrefix(" ") else { return String(line) }
            if fields[0] == "smtp", fields[1] == "inet" { fields[0] = "127.0.0.1:\(port)" }
            fields[4] = "n"
            return fields.joined(separator: " ")
        }.joined(separator: "\n")
    }

    private static func settings(_ name: String, _ directory: String, _ relayPort: Int) -> String {
        """
        compatibility_level = 3.6
        queue_directory = \(directory)/queue
        data_directory = \(directory)/data
        command_directory = /usr/sbin
        daemon_directory = /usr/lib/postfix/sbin
        mail_owner = postfix
        setgid_group = postdrop
        myhostname = \(name).test
        mydestination =
        relayhost = [127.0.0.1]:\(relayPort)
        mynetworks = 127.0.0.0/8
        inet_interfaces = 127.0.0.1
        inet_protocols = ipv4
        smtpd_relay_restrictions = permit_mynetworks, reject
        smtp_dns_support_level = disabled
        smtp_tls_security_level = none
        maillog_file = \(directory)/mail.log
        minimal_backoff_time = 5s
        queue_run_delay = 5s

        """
    }
}
