import DeliveryPolicy
import MailModel
import NIOCore
import NodeRuntime

/// Where mail for a destination goes: a set of hosts that several domains may share, and how they are treated.
struct Site: Sendable {
    enum Kind: String, Sendable {
        case mx, relay, lmtp, maildir, discard

        /// `protocol` of events.
        var protocolName: String {
            switch self {
            case .mx, .relay: "smtp"
            case .lmtp: "lmtp"
            case .maildir: "maildir"
            case .discard: "discard"
            }
        }
    }

    /// One host and the addresses it has, in the order to try.
    struct Host: Sendable {
        let name: String
        /// Lower is tried first; equals in random order (RFC 5321 §5.1).
        let preference: Int
        let addresses: [SocketAddress]
    }

    /// One place to connect to.
    struct Candidate: Sendable {
        /// Of a Unix socket its path, of Maildirs their template.
        let host: String
        /// `nil` for Maildirs.
        let address: SocketAddress?
    }

    let name: String
    let kind: Kind
    let hosts: [Host]
    let settings: LaneSettings
    /// Of the kind `maildir`, which has no hosts.
    var maildir: MaildirConfiguration?

    /// It is on this machine and needs no sending address, so that pools have no part in it.
    var isLocal: Bool {
        maildir != nil
            || kind == .lmtp && !hosts.isEmpty && hosts.allSatisfy { $0.addresses.allSatisfy { $0.protocol == .unix } }
    }

    /// Every address in the order to try it, hosts of equal preference shuffled.
    ///
    /// - Parameter family: Only addresses of this family, and Unix sockets; `nil` for all.
    func candidates(
        family: NIOBSDSocket.ProtocolFamily?, using random: inout some RandomNumberGenerator
    ) -> [Candidate] {
        if let maildir { return [Candidate(host: maildir.template.description, address: nil)] }
        var order: [(preference: Int, tie: UInt64, host: Host)] = []
        for host in hosts { order.append((host.preference, random.next(), host)) }
        order.sort { ($0.preference, $0.tie) < ($1.preference, $1.tie) }
        return order.flatMap { entry in
            entry.host.addresses.filter { family == nil || $0.protocol == family || $0.protocol == .unix }
                .map { Candidate(host: entry.host.name, address: $0) }
        }
    }
}

/// How the lanes of a site behave: defaults of the configuration, overridden by its route.
struct LaneSettings: Sendable, Equatable {
    /// Number of the route, from 1; 0 where no route matches.
    var route = 0
    var pacing = LanePacing.Configuration()
    var idleTime: TimeAmount = .seconds(30)
    var pool: String?
    var tls: TLSPolicy = .opportunistic
    var chunking = true
    var port = 25
}

/// A sending IP address with its EHLO name.
struct Source: Sendable, Equatable {
    let name: String
    /// `nil`: the system chooses.
    let address: SocketAddress?
    let ehloName: String

    /// Of mail that does not leave the machine.
    static func local(_ hostname: Domain) -> Source { Source(name: "local", address: nil, ehloName: hostname.name) }
}
