internal import Glibc

/// Tells the service manager how the node is (sd_notify(3)); does nothing where none asked.
package struct SystemdNotifier: Sendable {
    let path: String?

    /// - Parameter path: A path, or `@name` for an abstract socket.
    package init(path: String? = getenv("NOTIFY_SOCKET").map { String(cString: $0) }) { self.path = path }

    func ready() { send("READY=1") }
    func stopping() { send("STOPPING=1") }

    /// A lost message costs no more than the manager's own time-out.
    private func send(_ text: String) {
        guard let path, let address = UnixAddress(path) else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        _ = address.with { sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, $1) }
    }
}
