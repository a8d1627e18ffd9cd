package import NIOCore
internal import NIOPosix
internal import Synchronization

/// Accepts SMTP connections on one address and runs a session on each.
package final class SMTPListener: Sendable {
    package struct Configuration: Sendable {
        /// For logs and events.
        package var name: String
        package var host: String
        /// 0 takes any free port.
        package var port: Int
        package var backlog = 1024
        /// Time without a complete command or a piece of content (RFC 5321 §4.5.3.2.7).
        package var idleTimeout = TimeAmount.minutes(5)
        /// Time without an accepted message, whatever else the client says.
        package var unproductiveTimeout = TimeAmount.hours(1)
        /// Octets a second below which content counts as not coming, once `idleTimeout` has passed since it began.
        package var minimumContentRate = 100
        package var connectionLimit = 10_000
        package var connectionLimitPerClient: Int?
        package var clientPrefixes = ClientPrefixes()
        /// Wait for a PROXY header.
        package var proxyHeaderTimeout = TimeAmount.seconds(5)
        /// Silence before the greeting, for clients that are not trusted and do not begin with TLS; who writes
        /// meanwhile is refused (RFC 5321 §4.3.1 makes clients wait).
        package var greetDelay = TimeAmount.zero
        /// Holds back replies to commands of clients that are not trusted.
        package var tarpit: Tarpit?
        /// TLS from the first octet (RFC 8314 §3); needs a TLS context from the role.
        package var startsWithTLS = false

        package struct Tarpit: Sendable {
            /// Errors since the last accepted message that are answered at once.
            package var after: Int
            package var delay: TimeAmount
            package init(after: Int, delay: TimeAmount) { (self.after, self.delay) = (after, delay) }
        }

        package init(name: String, host: String, port: Int) {
            (self.name, self.host, self.port) = (name, host, port)
        }

        var limits: ConnectionRegistry.Limits {
            .init(connections: connectionLimit, perClient: connectionLimitPerClient, prefixes: clientPrefixes)
        }
    }

    /// Where it listens; never `nil` for TCP.
    package var localAddress: SocketAddress? { channel.localAddress }
    /// Open connections, without those being refused.
    package var connections: Int { registry.count }

    private let channel: any Channel
    private let current: Current
    private var registry: ConnectionRegistry { current.shared.withLock { $0.registry } }

    /// What connections that come now have in common.
    private final class Current: Sendable {
        let shared: Mutex<ServerHandler.Shared>
        init(_ shared: ServerHandler.Shared) { self.shared = Mutex(shared) }
    }

    private init(channel: any Channel, current: Current) { (self.channel, self.current) = (channel, current) }

    /// Other rules, and somebody else who decides, for connections to come. Its name, address and port stay.
    package func reconfigure(_ configuration: Configuration, receiver: any MailReceiver) {
        current.shared.withLock { shared in
            shared.registry.set(configuration.limits)
            shared = ServerHandler.Shared(
                configuration: configuration, receiver: receiver, gauge: shared.gauge, registry: shared.registry)
        }
    }

    /// - Parameter gauge: Memory for content, shared by all listeners that are given the same.
    package static func bind(
        _ configuration: Configuration, receiver: any MailReceiver, gauge: ContentGauge, group: any EventLoopGroup
    ) -> EventLoopFuture<SMTPListener> {
        let current = Current(
            ServerHandler.Shared(
                configuration: configuration, receiver: receiver, gauge: gauge,
                registry: ConnectionRegistry(configuration.limits)))
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Int32(configuration.backlog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // Accepted sockets inherit it, which spares each connection a system call.
            .serverChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ServerHandler(current.shared.withLock { $0 }))
                }
            }
            .bind(host: configuration.host, port: configuration.port)
            .map { SMTPListener(channel: $0, current: current) }
    }

    /// Takes no more connections, tells idle clients 421, lets running transactions end, and closes what is left
    /// after `limit`.
    package func shutdown(within limit: TimeAmount) -> EventLoopFuture<Void> {
        let drained = channel.eventLoop.makePromise(of: Void.self)
        let deadline = channel.eventLoop.scheduleTask(in: limit) { [registry] in
            for channel in registry.channels { channel.close(mode: .all, promise: nil) }
        }
        // The listening socket may be gone already; what matters is that the connections end.
        channel.close().whenComplete { [registry] _ in
            for channel in registry.drain(drained) {
                channel.pipeline.fireUserInboundEventTriggered(ServerHandler.Drain())
            }
        }
        drained.futureResult.whenComplete { _ in deadline.cancel() }
        return drained.futureResult
    }
}
