import DNSClient
import Glibc
import Ingress
import LocalSpool
import Logging
import NIOCore
import NIOPosix
import NodeRuntime
import Sender
import ServiceLifecycle
import Spool

/// One node: the roles it plays, on the spool they share.
struct Node {
    let configuration: NodeConfiguration
    let roles: Set<ServeCommand.Role>
    let logger: Logger
    /// Where the configuration came from, for a reload.
    let location: ConfigurationLocator.Location

    init(
        _ configuration: NodeConfiguration, at location: ConfigurationLocator.Location,
        roles: Set<ServeCommand.Role>, logger: Logger
    ) {
        self.configuration = configuration
        self.location = location
        self.roles = roles
        self.logger = logger
    }

    /// Runs until a signal or a failure ends it.
    func run() async throws {
        raiseFileLimit()
        // What is wrong with them stops the start before anything is opened.
        let tables = roles.contains(.ingress) ? try IngressTables.load(configuration.ingress) : nil
        if roles.contains(.sender) { _ = try TransportTables.load(configuration) }
        let metrics = MetricsRegistry()
        ProcessMetrics.register(in: metrics)
        let health = NodeHealth()
        let spool = try LocalSpool.open(configuration.spool.local.spool, logger: Logger(label: "spool"))
        let resolver = try Resolver(configuration.dns.resolver)
        defer { resolver.close() }
        let loops = MultiThreadedEventLoopGroup(
            numberOfThreads: configuration.eventLoops ?? max(1, System.coreCount - 1))
        let admin = AdminServer(
            configuration: configuration.http, health: health, metrics: metrics,
            logger: Logger(label: "admin"))
        let reload = ReloadService(
            configuration, logger: logger, signals: ProcessSignals.reload()
        ) { [location] () throws(ConfigurationError) in try NodeConfiguration.load(location) }
        admin.add(reload.routes)
        health.set("spool", .ready)
        for role in roles { health.set(role.rawValue, .starting) }
        var runner = NodeRunner(health: health, logger: logger)
        runner.add(admin, name: "admin")
        runner.add(reload, name: "reload")
        runner.add(SpoolService(spool: spool), name: "spool")
        let (senderIsReady, senderBecameReady) = AsyncStream<Void>.makeStream()
        if roles.contains(.sender) {
            let sender = SenderService(
                configuration, spool: spool, resolver: resolver, loops: loops, metrics: metrics,
                logger: Logger(label: "sender")
            ) {
                health.set("sender", .ready)
                senderBecameReady.finish()
            }
            admin.add(sender.routes)
            admin.add(sender.suppressionRoutes)
            admin.add(sender.sessionRoutes)
            reload.add(sender)
            runner.add(sender, name: "sender")
        } else {
            senderBecameReady.finish()
        }
        if roles.contains(.ingress) {
            let ingress = IngressService(
                configuration, spool: spool, resolver: resolver, loops: loops, metrics: metrics,
                logger: Logger(label: "ingress"), tables: tables,
                // The sender commits where it begins before the first record is written.
                mayStart: { for await _ in senderIsReady {} },
                started: { health.set("ingress", .ready) })
            // Last, as it binds addresses: no other part may refuse after that.
            reload.add(ingress)
            runner.add(ingress, name: "ingress")
        }
        let end: NodeRunner.End
        do {
            end = try await runner.run()
        } catch {
            await spool.close()
            throw error
        }
        await spool.close()
        // The process ends either way.
        try? await loops.shutdownGracefully()
        logger.notice("stopped", metadata: ["reason": end == .stopped ? "asked to" : "asked to, at once"])
    }
}

extension Node {
    /// A connection is a descriptor, and the usual soft limit of 1,024 is a relic of `select`: takes all that is allowed.
    private func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max
        else { return }
        limit.rlim_cur = limit.rlim_max
        if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
            logger.warning("the limit of open files could not be raised")
        }
    }
}

/// Holds the spool open until the roles that use it have stopped.
struct SpoolService: Service {
    let spool: any Spool

    func run() async throws {
        try? await gracefulShutdown()  // cancellation ends the wait just as well
    }
}

extension SpoolDirectoryConfiguration {
    var spool: LocalSpoolConfiguration {
        var result = LocalSpoolConfiguration(directory: directory)
        for topic in [Topic.mail, .schedule, .limitRequests] { result.partitions[topic] = partitions }
        result.partitions[.events] = min(16, partitions)
        result.keepDelivered = keepDelivered
        result.keepEvents = keepEvents
        return result
    }
}

extension NodeRuntime.DNSConfiguration {
    var resolver: DNSClient.DNSConfiguration {
        DNSClient.DNSConfiguration(
            servers: servers.map { "\($0.address)@\($0.port)" }, queryLimit: timeout, cacheEntries: cacheSize)
    }
}
