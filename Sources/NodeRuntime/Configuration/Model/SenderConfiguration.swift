package import DeliveryPolicy
package import MailModel

/// How mail goes out.
package struct SenderConfiguration: Equatable, Sendable {
    package var port = 25
    package var sources: [SourceConfiguration] = []
    package var pools: [PoolConfiguration] = []
    /// Name of the pool for messages that ask for none; always one of `pools` once a file is read.
    package var defaultPool = "default"
    /// Time in the queue before a recipient expires; RFC 5321 §4.5.4.1 asks for 4–5 days.
    package var lifetime: Duration = .seconds(5 * 86_400)
    /// Attempts begun whose outcome is not committed: the most that a kill can repeat.
    package var maxUncommitted = 2000
    /// Messages that may wait in a node; more stay in the log, unread.
    package var maxQueued = 4_000_000
    /// Outcomes are collected for so long, or until there are `commitSize`.
    package var commitInterval: Duration = .milliseconds(50)
    package var commitSize = 1000
    /// How long a stop waits for attempts that run.
    package var drainTime: Duration = .seconds(10)
    package var ready = ReadyConfiguration()
    package var retry = RetryConfiguration()
    package var lane = LaneConfiguration()
    package var deadHost = DeadHostConfiguration()
    package var tls = TLSPolicy.opportunistic
    /// BDAT in place of DATA where a host offers CHUNKING (RFC 3030).
    package var chunking = true
    package var family = AddressFamily.both
    package var timeouts = SenderTimeouts()
    package var recipientsPerTransaction = 100
    package var dsn = DSNConfiguration()
    /// Rules that come before the built-in ones; `nil` for none.
    package var bounces: BounceRules?
    package var suppression = SuppressionConfiguration()
    package var traceTag = TraceTagConfiguration()
    package var verp: [VERPConfiguration] = []

    package init() {}

    package func source(named name: String) -> SourceConfiguration? { sources.first { $0.name == name } }
    package func pool(named name: String) -> PoolConfiguration? { pools.first { $0.name == name } }
}

/// A sending address with its EHLO name.
package struct SourceConfiguration: Equatable, Sendable {
    /// The source where no pool is configured: the system chooses the address.
    package static let unbound = "unbound"

    package var name: String
    /// `nil` only for the implicit source.
    package var address: IPAddress?
    package var ehlo: Domain

    package init(name: String, address: IPAddress?, ehlo: Domain) {
        (self.name, self.address, self.ehlo) = (name, address, ehlo)
    }
}

/// A weighted group of sources.
package struct PoolConfiguration: Equatable, Sendable {
    package struct Member: Equatable, Sendable {
        package var source: String
        /// Share of the pool's messages relative to the other members; 0 rests the source.
        package var weight: Int
        package init(source: String, weight: Int) { (self.source, self.weight) = (source, weight) }
    }

    package var name: String
    package var members: [Member]
    package init(name: String, members: [Member]) { (self.name, self.members) = (name, members) }
}

/// A pool whose mail has a reverse-path for each recipient.
package struct VERPConfiguration: Equatable, Sendable {
    package var pool: String
    package var template: VERPTemplate
    package init(pool: String, template: VERPTemplate) { (self.pool, self.template) = (pool, template) }
}

/// Bounds of a lane's ready queue, and of all together; what does not fit is parked.
package struct ReadyConfiguration: Equatable, Sendable {
    package var messages = 1000
    /// Bytes of content.
    package var memory = 64_000_000
    package var totalMemory = 256_000_000
    package init() {}
}

/// Bounds of the connections of one lane.
package struct LaneConfiguration: Equatable, Sendable {
    package var connections = 10
    /// Connections to begin with; success raises the number, trouble lowers it. Never above `connections`.
    package var startConnections: Int {
        get { min(givenStartConnections, connections) }
        set { givenStartConnections = newValue }
    }
    package var messagesPerConnection = 100
    /// `nil` is unlimited.
    package var connectionRate: Rate? = Rate(100, per: .minute)
    /// How long an idle connection is kept for the next message.
    package var idleTimeout: Duration = .seconds(30)

    var givenStartConnections = 2
    package init() {}
}

/// Back-off of a host that does not answer.
package struct DeadHostConfiguration: Equatable, Sendable {
    package var first: Duration = .seconds(60)
    package var max: Duration = .seconds(15 * 60)
    package init() {}
}

package enum TLSPolicy: String, Sendable, CaseIterable { case opportunistic, none, required }
package enum AddressFamily: String, Sendable, CaseIterable { case both, ipv4, ipv6 }

/// Waits for the peer, by step; defaults from RFC 5321 §4.5.3.2.
package struct SenderTimeouts: Equatable, Sendable {
    package var connect: Duration = .seconds(30)
    package var greeting: Duration = .seconds(300)
    package var ehlo: Duration = .seconds(300)
    package var mail: Duration = .seconds(300)
    package var rcpt: Duration = .seconds(300)
    package var data: Duration = .seconds(120)
    /// Between two writes of content.
    package var content: Duration = .seconds(180)
    /// From the final dot to its reply.
    package var acknowledgement: Duration = .seconds(600)
    package init() {}
}

/// The delivery status notifications that this node writes (RFC 3464).
package struct DSNConfiguration: Equatable, Sendable {
    package enum Return: String, Sendable, CaseIterable { case headers, full }

    /// Whose originators are told of a delay, where `NOTIFY` does not decide.
    package enum DelayScope: String, Sendable, CaseIterable {
        /// Nobody else's: `NOTIFY=DELAY` alone (RFC 3461 §4.1).
        case requested
        /// Also of recipients without `NOTIFY`, unless the message belongs to a campaign.
        case personal
        case all
    }

    /// Local part of the author, at `ingress.hostname`.
    package var from = "mailer-daemon"
    /// What of the message comes back where RET was not given (RFC 3461 §4.3).
    package var `return` = Return.headers
    /// Time in the queue after which the originator is told that a recipient waits; `nil` for never.
    package var delay: Duration?
    package var delayFor = DelayScope.personal
    package init() {}
}
