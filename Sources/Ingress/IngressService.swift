import Glibc
package import Logging
import MailModel
package import NIOCore
import NIOSSL
package import NodeRuntime
import SMTPTransport
import ServiceLifecycle
package import Spool
import Synchronization

/// The ingress role: listens for SMTP and puts what it accepts into the spool, until it is told to stop.
package final class IngressService: Service {
    private let configuration: NodeConfiguration
    private let spool: any Spool
    private let loops: any EventLoopGroup
    private let registry: MetricsRegistry
    private let logger: Logger
    private let listeners = Mutex<[SMTPListener]>([])
    private let mayStart: @Sendable () async -> Void
    private let started: @Sendable () -> Void

    /// - Parameters:
    ///   - mayStart: Returns when mail may be taken.
    ///   - started: Called once all listeners accept connections.
    package init(
        _ configuration: NodeConfiguration, spool: any Spool, loops: any EventLoopGroup, metrics: MetricsRegistry,
        logger: Logger, mayStart: @escaping @Sendable () async -> Void = {},
        started: @escaping @Sendable () -> Void = {}
    ) {
        self.configuration = configuration
        self.spool = spool
        self.loops = loops
        registry = metrics
        self.logger = logger
        self.mayStart = mayStart
        self.started = started
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown { await self.mayStart() }
        if Task.isShuttingDownGracefully || Task.isCancelled { return }
        let metrics = IngressMetrics(registry: registry)
        let gauge = ContentGauge(limit: configuration.ingress.memory)
        let rejections = RejectionLog(spool: spool, node: configuration.node, metrics: metrics, logger: logger)
        let gate = ClientGate(configuration.ingress.clientLimits, metrics: metrics, logger: logger)
        for listener in configuration.ingress.listeners {
            let receiver = ListenerReceiver(
                listener, of: configuration, tls: try Self.tlsContext(listener), spool: spool, rejections: rejections,
                gate: gate, metrics: metrics, logger: logger)
            let bound = try await bind(listener, receiver, gauge)
            listeners.withLock { $0.append(bound) }
            logger.info(
                "listening for SMTP",
                metadata: ["listener": "\(listener.name)", "address": "\(listener.address)"])
        }
        registry.observe(.connections) { [self] in
            let open = listeners.withLock { $0.reduce(0) { $0 + $1.connections } }
            return [MetricSample(Double(open), labels: ["in"])]
        }
        started()
        try? await gracefulShutdown()  // cancellation ends the wait just as well
        for listener in listeners.withLock({ $0 }) {
            try? await listener.shutdown(within: .seconds(10)).get()  // the process ends either way
        }
    }

    private func bind(
        _ listener: ListenerConfiguration, _ receiver: ListenerReceiver, _ gauge: ContentGauge
    ) async throws -> SMTPListener {
        let ingress = configuration.ingress
        var settings = SMTPListener.Configuration(
            name: listener.name, host: listener.address.host, port: listener.address.port)
        settings.idleTimeout = TimeAmount(ingress.idleTimeout)
        settings.connectionLimit = ingress.connections
        settings.connectionLimitPerClient = ingress.connectionsPerClient
        settings.startsWithTLS = listener.tlsOnConnect
        settings.clientPrefixes = ClientPrefixes(
            ipv4: ingress.clientLimits.ipv4Prefix, ipv6: ingress.clientLimits.ipv6Prefix)
        settings.proxyHeaderTimeout = TimeAmount(listener.proxyProtocol.timeout)
        settings.greetDelay = TimeAmount(ingress.greetDelay)
        if ingress.tarpit.delay > .zero {
            settings.tarpit = .init(after: ingress.tarpit.after, delay: TimeAmount(ingress.tarpit.delay))
        }
        do {
            return try await SMTPListener.bind(settings, receiver: receiver, gauge: gauge, group: loops).get()
        } catch {
            let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
            throw IngressError("ingress.listeners: cannot listen on \(listener.address): \(reason)")
        }
    }

    private static func tlsContext(_ listener: ListenerConfiguration) throws -> NIOSSLContext? {
        guard let tls = listener.tls else { return nil }
        do {
            var settings = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(tls.certificate).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: tls.key, format: .pem)))
            settings.minimumTLSVersion = .tlsv12
            return try NIOSSLContext(configuration: settings)
        } catch {
            throw IngressError("the certificate \(tls.certificate) with key \(tls.key) cannot be used: \(error)")
        }
    }
}

/// Why ingress cannot start.
package struct IngressError: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}
