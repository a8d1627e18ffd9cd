package import DNSClient
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
    private let resolver: Resolver?
    private let loops: any EventLoopGroup
    private let registry: MetricsRegistry
    private let metrics: IngressMetrics
    private let rejections: RejectionLog
    /// Memory for content, of all listeners together.
    private let gauge: ContentGauge
    private let logger: Logger
    private let mayStart: @Sendable () async -> Void
    private let started: @Sendable () -> Void
    private let state: Mutex<State>

    private struct State {
        /// Empty before the start.
        var listeners: [ListenAddress: SMTPListener] = [:]
        var gate: (limits: ClientLimitsConfiguration, gate: ClientGate?)?
        /// Read before the start, and used by it.
        var tables: IngressTables?
        var verifier: RecipientVerifier?
    }

    /// - Parameters:
    ///   - tables: Those of the configuration, where they are read already.
    ///   - mayStart: Returns when mail may be taken.
    ///   - started: Called once all listeners accept connections.
    package init(
        _ configuration: NodeConfiguration, spool: any Spool, resolver: Resolver? = nil, loops: any EventLoopGroup,
        metrics: MetricsRegistry,
        logger: Logger, tables: IngressTables? = nil, mayStart: @escaping @Sendable () async -> Void = {},
        started: @escaping @Sendable () -> Void = {}
    ) {
        self.configuration = configuration
        (self.spool, self.resolver) = (spool, resolver)
        self.loops = loops
        registry = metrics
        self.metrics = IngressMetrics(registry: metrics)
        rejections = RejectionLog(spool: spool, node: configuration.node, metrics: self.metrics, logger: logger)
        gauge = ContentGauge(limit: configuration.ingress.memory)
        self.logger = logger
        state = Mutex(State(tables: tables))
        self.mayStart = mayStart
        self.started = started
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown { await self.mayStart() }
        if Task.isShuttingDownGracefully || Task.isCancelled { return }
        let change = try await prepareListeners(configuration)
        await change()
        registry.observe(.connections) { [self] in
            let open = state.withLock { $0.listeners.values.reduce(0) { $0 + $1.connections } }
            return [MetricSample(Double(open), labels: ["in"])]
        }
        started()
        try? await gracefulShutdown()  // cancellation ends the wait just as well
        await Self.close(Array(state.withLock { $0.listeners }.values))
    }

    private static func close(_ listeners: [SMTPListener]) async {
        for listener in listeners {
            try? await listener.shutdown(within: .seconds(10)).get()  // the process ends either way
        }
    }
}

// Listeners as a configuration wants them.
extension IngressService: Reconfigurable {
    package func prepare(_ configuration: NodeConfiguration) async throws -> @Sendable () async -> Void {
        guard !state.withLock({ $0.listeners.isEmpty }) else {
            throw IngressError("ingress has not started yet: try again")
        }
        return try await prepareListeners(configuration)
    }

    /// Reads certificates and binds addresses that are new.
    ///
    /// - Returns: Changes the listeners that stay and closes those that are no longer wanted.
    private func prepareListeners(_ configuration: NodeConfiguration) async throws -> @Sendable () async -> Void {
        let open = state.withLock { $0.listeners }
        let gate = gate(for: configuration.ingress.clientLimits)
        let checks = try checks(configuration.ingress)
        let verifier = verifier(for: configuration.ingress)
        var wanted: [(ListenerConfiguration, ListenerReceiver)] = []
        for listener in configuration.ingress.listeners {
            let receiver = ListenerReceiver(
                listener, of: configuration, tls: try Self.tlsContext(listener), spool: spool, rejections: rejections,
                gate: gate, checks: checks, verifier: verifier, metrics: metrics, logger: logger)
            wanted.append((listener, receiver))
        }
        var added: [ListenAddress: SMTPListener] = [:]
        do {
            for (listener, receiver) in wanted where open[listener.address] == nil {
                added[listener.address] = try await bind(listener, receiver, configuration.ingress)
            }
        } catch {
            await Self.close(Array(added.values))
            throw error
        }
        return { [wanted, added] in
            for (listener, receiver) in wanted {
                open[listener.address]?.reconfigure(
                    SMTPListener.Configuration(listener, configuration.ingress), receiver: receiver)
            }
            let addresses = Set(wanted.map(\.0.address))
            self.state.withLock { state in
                state.listeners = open.filter { addresses.contains($0.key) }.merging(added) { $1 }
                state.gate = (configuration.ingress.clientLimits, gate)
                state.verifier = verifier
            }
            let closed = open.filter { !addresses.contains($0.key) }
            for address in closed.keys {
                self.logger.info("no longer listening for SMTP", metadata: ["address": "\(address)"])
            }
            // Running transactions may take their time; nobody has to wait for them.
            if !closed.isEmpty { Task { await Self.close(Array(closed.values)) } }
        }
    }

    /// Reads the tables; a million entries take about a second of a thread that no mail waits for.
    private func checks(_ ingress: IngressConfiguration) throws -> AddressChecks? {
        let tables = try state.withLock { $0.tables.take() } ?? IngressTables.load(ingress)
        for warning in tables.warnings.prefix(ConfigurationError.shown) {
            logger.warning("a line of a table is not used as it stands", metadata: [LogKey.reason: "\(warning)"])
        }
        let further = tables.warnings.count + tables.furtherWarnings - ConfigurationError.shown
        if further > 0 {
            logger.warning("further lines of tables are not used", metadata: [LogKey.count: "\(further)"])
        }
        if ingress.tables.areGiven { logger.info("tables are read", metadata: [LogKey.count: "\(tables.count)"]) }
        return AddressChecks(ingress, tables: tables)
    }

    /// What clients did of late counts on while the limits stay the same.
    private func gate(for limits: ClientLimitsConfiguration) -> ClientGate? {
        if let known = state.withLock({ $0.gate }), known.limits == limits { return known.gate }
        return ClientGate(limits, metrics: metrics, logger: logger)
    }

    /// What is known of recipients stays known while the rules stay the same.
    private func verifier(for ingress: IngressConfiguration) -> RecipientVerifier? {
        if let known = state.withLock({ $0.verifier }), known.configuration == ingress.verify { return known }
        return RecipientVerifier(ingress, resolver: resolver, metrics: metrics)
    }

    private func bind(
        _ listener: ListenerConfiguration, _ receiver: ListenerReceiver, _ ingress: IngressConfiguration
    ) async throws -> SMTPListener {
        do {
            let bound = try await SMTPListener.bind(
                SMTPListener.Configuration(listener, ingress), receiver: receiver, gauge: gauge, group: loops
            ).get()
            logger.info(
                "listening for SMTP",
                metadata: ["listener": "\(listener.name)", "address": "\(listener.address)"])
            return bound
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

extension SMTPListener.Configuration {
    init(_ listener: ListenerConfiguration, _ ingress: IngressConfiguration) {
        self.init(name: listener.name, host: listener.address.host, port: listener.address.port)
        idleTimeout = TimeAmount(ingress.idleTimeout)
        connectionLimit = ingress.connections
        connectionLimitPerClient = ingress.connectionsPerClient
        startsWithTLS = listener.tlsOnConnect
        clientPrefixes = ClientPrefixes(
            ipv4: ingress.clientLimits.ipv4Prefix, ipv6: ingress.clientLimits.ipv6Prefix)
        proxyHeaderTimeout = TimeAmount(listener.proxyProtocol.timeout)
        greetDelay = TimeAmount(ingress.greetDelay)
        if ingress.tarpit.delay > .zero {
            tarpit = .init(after: ingress.tarpit.after, delay: TimeAmount(ingress.tarpit.delay))
        }
    }
}
