/// Where to connect to: a host with its port, or a Unix socket on this machine.
package enum HostOrSocket: Hashable, Sendable, CustomStringConvertible {
    case network(HostPort)
    /// An absolute path.
    case socket(String)

    /// `sun_path` holds 108 bytes with the final zero (unix(7)).
    static let pathLimit = 107
    private static let scheme = "unix:"

    /// Reads `127.0.0.1:24`, `mail.example.org` or `unix:/run/dovecot/lmtp`.
    init(parsing text: String) throws(Refusal) {
        guard text.hasPrefix(Self.scheme) else {
            guard !text.hasPrefix("/") else { throw Refusal("is a path; write unix:\(text) for a Unix socket") }
            self = .network(try HostPort(parsing: text))
            return
        }
        let path = String(text.dropFirst(Self.scheme.count))
        guard path.hasPrefix("/") else { throw Refusal("has no absolute path behind unix:") }
        guard !path.hasSuffix("/") else { throw Refusal("names a directory, not a socket") }
        guard path.utf8.count <= Self.pathLimit else {
            throw Refusal("has a path of \(path.utf8.count) bytes; a Unix socket's has up to \(Self.pathLimit)")
        }
        self = .socket(path)
    }

    package var isSocket: Bool {
        if case .socket = self { true } else { false }
    }

    package var description: String {
        switch self {
        case .network(let host): host.description
        case .socket(let path): Self.scheme + path
        }
    }
}
