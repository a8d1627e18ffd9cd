internal import Glibc
internal import Hummingbird
package import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle
internal import Synchronization

/// The node's HTTP API for operators, on a TCP address and a Unix socket with the same routes.
///
/// Add all routes before `run()`. It serves `/healthz`, `/readyz` and `/metrics` itself and knows nothing about roles.
package final class AdminServer: Service {
    /// What it listens on, told when it does.
    package enum Listening: Sendable, Equatable {
        case tcp(ListenAddress)
        case unix(String)
    }

    private let configuration: HTTPConfiguration
    private let logger: Logger
    private let timeLimit: Duration
    private let onListening: @Sendable (Listening) -> Void
    private let routes: Mutex<[AdminRoute]>

    package init(
        configuration: HTTPConfiguration, health: NodeHealth, metrics: MetricsRegistry, logger: Logger,
        timeLimit: Duration = .seconds(30), onListening: @escaping @Sendable (Listening) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.logger = logger
        self.timeLimit = timeLimit
        self.onListening = onListening
        routes = Mutex(AdminServer.ownRoutes(health, metrics))
    }

    package func add(_ added: [AdminRoute]) { routes.withLock { $0 += added } }

    private static func ownRoutes(_ health: NodeHealth, _ metrics: MetricsRegistry) -> [AdminRoute] {
        [
            AdminRoute(.get, "/healthz") { _ in
                let report = health.report
                return try .json(report, status: report.isHealthy ? 200 : 503)
            },
            AdminRoute(.get, "/readyz") { _ in
                let report = health.report
                return try .json(report, status: report.isReady ? 200 : 503)
            },
            AdminRoute(.get, "/metrics") { _ in
                AdminResponse(
                    contentType: PrometheusText.contentType, body: ByteBuffer(string: await metrics.exposition()))
            },
        ]
    }

    /// Serves until graceful shutdown or cancellation.
    ///
    /// - Throws: Where an address cannot be bound, the token file not be used, or a socket that the configuration names
    ///   not be made. The default socket may fail: the node then says so and has none.
    package func run() async throws {
        let token = try readToken()
        let router = AdminRouter(routes.withLock { $0 })
        try await withThrowingTaskGroup(of: Void.self) { group in
            if let address = configuration.address {
                let access = AdminAccess(door: address.isLoopback ? .loopback : .network, token: token)
                group.addTask { try await self.serve(tcp: address, self.responder(router, access)) }
            }
            if let path = configuration.socket {
                let access = AdminAccess(door: .unixSocket, token: nil)
                group.addTask { try await self.serve(unix: path, self.responder(router, access)) }
            }
            group.addTask { try? await gracefulShutdown() }  // cancelled: the others end by it as well
            // Not waitForAll: the first failure must end the other server.
            for try await _ in group {}
        }
    }

    private func responder(_ router: AdminRouter, _ access: AdminAccess) -> AdminResponder {
        AdminResponder(router: router, access: access, timeLimit: timeLimit, logger: logger)
    }

    private func readToken() throws -> BearerToken? {
        guard let path = configuration.tokenFile else { return nil }
        guard let token = BearerToken(try ConfigurationFile.read(path)) else {
            throw AdminSocket.Failure(
                description: "\(path) has no token of 16 to 512 visible ASCII characters in its first line")
        }
        return token
    }

    private func serve(tcp address: ListenAddress, _ responder: AdminResponder) async throws {
        do {
            try await serve(.hostname(address.host, port: address.port), responder) { channel in
                let bound = ListenAddress(address: address.address, port: channel.localAddress?.port ?? address.port)
                self.listening(.tcp(bound), "\(bound)")
            }
        } catch let error as IOError {
            throw AdminSocket.Failure(
                description: "http.address: cannot listen on \(address): \(String(cString: strerror(error.errnoCode)))")
        }
    }

    private func serve(unix path: String, _ responder: AdminResponder) async throws {
        let socket: AdminSocket
        do {
            socket = try AdminSocket(path: path)
        } catch  where !configuration.isSocketRequired {
            logger.warning("no admin socket: writes need a bearer token", metadata: [LogKey.error: "\(error)"])
            return
        }
        let inode = Atomic<UInt>(0)
        defer { socket.remove(inode: inode.load(ordering: .relaxed)) }
        try await serve(.unixDomainSocket(path: socket.bindPath), responder) { channel in
            do {
                try socket.publish()
                inode.store(AdminSocket.inode(path), ordering: .relaxed)
                self.listening(.unix(path), path)
            } catch {
                self.logger.error("admin socket failed", metadata: [LogKey.error: "\(error)"])
                channel.close(promise: nil)
            }
        }
    }

    private func listening(_ place: Listening, _ address: String) {
        logger.info("admin HTTP listens", metadata: [LogKey.address: "\(address)"])
        onListening(place)
    }

    private func serve(
        _ address: BindAddress, _ responder: AdminResponder, running: @escaping @Sendable (any Channel) async -> Void
    ) async throws {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let application = Application(
            responder: responder,
            server: .http1(
                configuration: .init(
                    idleTimeout: .seconds(60),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: 16_384, maxHeaderListSize: 32_768, maxHeaderFieldCount: 100))),
            configuration: ApplicationConfiguration(address: address, serverName: nil),
            onServerRunning: running, logger: quiet)
        try await application.run()
    }
}
