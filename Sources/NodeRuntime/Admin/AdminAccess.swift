/// Who may ask what (DESIGN §9): a pure decision.
package struct AdminAccess: Sendable {
    package enum Door: Sendable, Equatable {
        /// File permissions decide who comes in.
        case unixSocket
        case loopback
        case network
    }

    /// Paths that say nothing about mail, for probes and Prometheus.
    static let openPaths: Set<String> = ["/healthz", "/readyz", "/metrics"]

    let door: Door
    /// `nil` where no token is configured: nobody has one.
    let token: BearerToken?

    package init(door: Door, token: BearerToken?) { (self.door, self.token) = (door, token) }

    /// - Parameters:
    ///   - isWrite: It changes something, or is a read that needs as much.
    ///   - authorization: The field of this name.
    ///   - host: The Host field, or the authority.
    /// - Returns: Why not; `nil` when it is allowed.
    package func refusal(isWrite: Bool, path: String, authorization: String?, host: String?) -> AdminProblem? {
        if door == .unixSocket { return nil }
        if let authorization {
            guard let token, token.isGiven(in: authorization) else {
                return AdminProblem(
                    status: 401, title: "Unauthorized", detail: "the bearer token is not the one of http.token_file")
            }
            return nil
        }
        if isWrite {
            return AdminProblem(
                status: 403, title: "Read only",
                detail: "this needs the Unix socket (http.socket) or a bearer token (http.token_file)")
        }
        if AdminAccess.openPaths.contains(path) { return nil }
        guard door == .loopback else {
            return AdminProblem(
                status: 401, title: "Unauthorized",
                detail: "outside of loopback addresses this needs a bearer token (http.token_file)")
        }
        guard AdminAccess.isLocalName(host) else {
            return AdminProblem(
                status: 421, title: "Misdirected request",
                detail: "the Host field must be localhost or an IP address")
        }
        return nil
    }

    /// A page of a foreign name that resolves to this host (DNS rebinding) must not read from it through a browser.
    private static func isLocalName(_ host: String?) -> Bool {
        guard let host, let name = try? HostPort(parsing: host) else { return false }  // unreadable is not local
        return name.isLocalName
    }
}
