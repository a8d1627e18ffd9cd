internal import Logging
internal import MailModel

/// The resolver.
package struct DNSConfiguration: Equatable, Sendable {
    /// Empty: those of `/etc/resolv.conf`.
    package var servers: [NameServer] = []
    package var timeout: Duration = .seconds(10)
    /// Answers kept.
    package var cacheSize = 100_000
    package init() {}
}

/// Where the node answers its operators.
package struct HTTPConfiguration: Equatable, Sendable {
    /// `nil` disables it.
    package var address: ListenAddress? = ListenAddress(address: IPAddress("127.0.0.1")!, port: 8025)
    /// Unix socket, the one place where writes need no token; `nil` disables it.
    package var socket: String? = "/run/apus/admin.sock"
    /// The file names a socket: failing to open it stops the start. The default one may fail with a warning.
    package var isSocketRequired = false
    /// File whose first line is the bearer token.
    package var tokenFile: String?
    package init() {}
}

package struct LogConfiguration: Equatable, Sendable {
    package enum Level: String, Sendable, CaseIterable { case trace, debug, info, notice, warning, error, critical }
    package enum Format: String, Sendable, CaseIterable { case text, json }

    package var level = Level.info
    package var format = Format.text
    package init() {}
}
