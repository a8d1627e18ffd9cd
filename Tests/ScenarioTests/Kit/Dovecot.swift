import Foundation
import MailTestKit

/// A Dovecot of the test's own that takes mail by LMTP on a Unix socket and on TCP; it runs without privileges.
final class Dovecot {
    let port: Int
    let directory: ScratchDirectory
    private let process: ChildProcess

    var socket: String { directory.file("lmtp") }

    private init(port: Int, directory: ScratchDirectory, process: ChildProcess) {
        (self.port, self.directory, self.process) = (port, directory, process)
    }

    /// Names of the account it runs under: root's tests give up their rights for it.
    private static let account = geteuid() == 0 ? "dovecot" : NSUserName()

    static let isPossible =
        Tool.exist("dovecot", "setpriv")
        && FileManager.default.fileExists(
            atPath: "/usr/lib/dovecot/lmtp")

    /// - Parameter users: Mailboxes that exist, with the rule of a quota or nothing.
    static func started(users: [String]) async throws -> Dovecot {
        let directory = try ScratchDirectory("apus-dovecot")
        let port = try LoopbackPort.free()
        for name in ["run", "mail"] {
            try FileManager.default.createDirectory(atPath: directory.file(name), withIntermediateDirectories: false)
        }
        try directory.write(users.map { "\($0):::::::\n" }.joined(), to: "users")
        let file = try directory.write(configuration(directory, port), to: "dovecot.conf")
        // The runner of tests blocks signals, which children inherit; Dovecot leaves it at that.
        var command = ["env", "--default-signal=TERM", "dovecot", "-F", "-c", file]
        if geteuid() == 0 {
            guard let user = getpwnam(account)?.pointee else { throw TestKitError("no user \(account)") }
            for path in ["", "run", "mail", "users", "dovecot.conf"] {
                chown(directory.file(path), user.pw_uid, user.pw_gid)
            }
            command = ["setpriv", "--reuid=\(user.pw_uid)", "--regid=\(user.pw_gid)", "--clear-groups"] + command
        }
        let process = try ChildProcess(command[0], Array(command.dropFirst()))
        try await wait(until: "Dovecot listens") {
            if !process.isRunning { throw TestKitError("dovecot ended: \(process.errors.joined(separator: "\n"))") }
            return LoopbackPort.isListening(port)
        }
        return Dovecot(port: port, directory: directory, process: process)
    }

    /// Contents of what lies in a user's inbox.
    func mail(of user: String) throws -> [String] {
        let folder = directory.file("mail/\(user)/new")
        guard FileManager.default.fileExists(atPath: folder) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map {
            try directory.read("mail/\(user)/new/\($0)")
        }
    }

    func stop() async throws {
        process.terminate()
        try await process.waitForExit()
    }

    deinit { process.terminate() }

    private static func configuration(_ directory: ScratchDirectory, _ port: Int) -> String {
        """
        base_dir = \(directory.file("run"))
        state_dir = \(directory.file("run"))
        log_path = \(directory.file("dovecot.log"))
        protocols = lmtp
        ssl = no
        hostname = dovecot.test
        postmaster_address = postmaster@dovecot.test
        default_internal_user = \(account)
        default_internal_group = \(account)
        default_login_user = \(account)
        first_valid_uid = 0
        mail_location = maildir:\(directory.file("mail"))/%Lu
        passdb {
          driver = passwd-file
          args = \(directory.file("users"))
        }
        userdb {
          driver = passwd-file
          args = username_format=%Lu \(directory.file("users"))
          default_fields = uid=\(account) gid=\(account) home=\(directory.file("mail"))/%Lu
        }
        service anvil {
          chroot =
        }
        service stats {
          chroot =
        }
        service lmtp {
          unix_listener \(directory.file("lmtp")) {
            mode = 0600
          }
          inet_listener lmtp {
            address = 127.0.0.1
            port = \(port)
          }
        }

        """
    }
}
