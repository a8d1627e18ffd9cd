import Foundation
import Logging
import NIOCore
import NIOPosix
import NodeRuntime
import ServiceLifecycle
import Testing

/// A server on a loopback port and a socket, for the time of one test.
private struct Server {
    let port: Int
    let socket: String
    let health: NodeHealth

    static func with(
        token: String? = nil, timeLimit: Duration = .seconds(20), routes: [AdminRoute] = [],
        _ body: @escaping @Sendable (Server) async throws -> Void
    ) async throws {
        let directory = try Files.temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        var configuration = HTTPConfiguration()
        configuration.address?.port = 0
        configuration.socket = directory.path + "/a.sock"
        configuration.isSocketRequired = true
        if let token {
            configuration.tokenFile = directory.path + "/token"
            try Data(token.utf8).write(to: directory.appending(path: "token"))
        }
        let health = NodeHealth()
        let (places, continuation) = AsyncStream.makeStream(of: AdminServer.Listening.self)
        let server = AdminServer(
            configuration: configuration, health: health, metrics: MetricsRegistry(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, timeLimit: timeLimit
        ) { continuation.yield($0) }
        server.add(routes)
        let group = ServiceGroup(
            configuration: .init(services: [server], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { continuation.finish() }
                try await group.run()
            }
            var (port, socket) = (0, "")
            for await place in places {
                switch place {
                case .tcp(let address): port = address.port
                case .unix(let path): socket = path
                }
                if port != 0, !socket.isEmpty { break }
            }
            let result: Result<Void, any Error>
            do { result = .success(try await body(Server(port: port, socket: socket, health: health))) } catch {
                result = .failure(error)
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try result.get()
            #expect(!FileManager.default.fileExists(atPath: socket))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { $0 != "token" } == [])
    }

    /// Sends bytes and reads until the server closes.
    func raw(_ request: String, unix: Bool = false) async throws -> String {
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        let collector: @Sendable (any Channel) -> EventLoopFuture<NIOAsyncChannel<ByteBuffer, ByteBuffer>> = {
            channel in
            channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel(wrappingChannelSynchronously: channel) }
        }
        let channel =
            unix
            ? try await bootstrap.connect(unixDomainSocketPath: socket, channelInitializer: collector)
            : try await bootstrap.connect(host: "127.0.0.1", port: port, channelInitializer: collector)
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: request))
            var all = ""
            for try await piece in inbound { all += String(buffer: piece) }
            return all
        }
    }

    func request(
        _ method: String, _ path: String, unix: Bool = false, fields: String = "", body: String = ""
    ) async throws -> String {
        let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
        return try await raw(
            "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(fields)\(length)\r\n\(body)",
            unix: unix)
    }
}

private struct Echo: Codable { var words: [String] }

@Suite(.timeLimit(.minutes(10))) struct AdminServerTests {
    private static let routes = [
        AdminRoute(.get, "/admin/v1/items/{id}") { request in
            try .json(["id": request.parameters["id"] ?? "", "filter": request.query["filter"] ?? ""])
        },
        AdminRoute(.post, "/admin/v1/echo") { request in try .json(try request.decode(Echo.self), status: 201) },
        AdminRoute(.get, "/admin/v1/broken") { _ in throw CancellationError() },
        AdminRoute(.get, "/admin/v1/conflict") { _ in throw AdminProblem.conflict("already \"held\"") },
        AdminRoute(.get, "/admin/v1/list") { _ in
            .lines { lines in
                for index in 0..<5000 { try await lines.write(["n": index]) }
            }
        },
    ]

    @Test func reads() async throws {
        try await Server.with(routes: Self.routes) { server in
            for unix in [false, true] {
                let answer = try await server.request("GET", "/admin/v1/items/a%20b?filter=x+y", unix: unix)
                #expect(answer.hasPrefix("HTTP/1.1 200 "))
                #expect(answer.contains("\r\n\r\n{\"filter\":\"x y\",\"id\":\"a b\"}\n"))
                #expect(answer.lowercased().contains("content-type: application/json\r\n"))
            }
            let metrics = try await server.request("GET", "/metrics")
            #expect(metrics.contains("version=0.0.4"))
            let head = try await server.request("HEAD", "/metrics")
            #expect(head.hasPrefix("HTTP/1.1 200 "))
            #expect(head.hasSuffix("\r\n\r\n"))
        }
    }

    @Test func writesOnTheSocketOnly() async throws {
        let body = "{\"words\":[\"a\"]}"
        try await Server.with(routes: Self.routes) { server in
            let refused = try await server.request("POST", "/admin/v1/echo", body: body)
            #expect(refused.hasPrefix("HTTP/1.1 403 "))
            #expect(refused.contains("application/problem+json"))
            #expect(refused.contains("http.socket"))
            let done = try await server.request("POST", "/admin/v1/echo", unix: true, body: body)
            #expect(done.hasPrefix("HTTP/1.1 201 "))
            #expect(done.hasSuffix(body + "\n"))
            let mode = try FileManager.default.attributesOfItem(atPath: server.socket)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
    }

    @Test func writesWithToken() async throws {
        try await Server.with(token: "0123456789abcdef\n", routes: Self.routes) { server in
            let body = "{\"words\":[]}"
            let right = "Authorization: Bearer 0123456789abcdef\r\n"
            #expect(
                try await server.request("POST", "/admin/v1/echo", fields: right, body: body).hasPrefix("HTTP/1.1 201"))
            let wrong = "Authorization: Bearer 0123456789abcdeF\r\n"
            let answer = try await server.request("POST", "/admin/v1/echo", fields: wrong, body: body)
            #expect(answer.hasPrefix("HTTP/1.1 401 "))
            #expect(!answer.contains("0123456789"))
        }
    }

    @Test func problems() async throws {
        try await Server.with(routes: Self.routes) { server in
            let cases = [
                ("GET", "/nothing", "", "404"), ("DELETE", "/admin/v1/list", "", "405"),
                ("GET", "/admin/v1/broken", "", "500"), ("GET", "/admin/v1/conflict", "", "409"),
                ("POST", "/admin/v1/echo", "{", "400"), ("POST", "/admin/v1/echo", "{\"word\":1}", "400"),
                ("GET", "/admin/v1/list?a=%", "", "400"),
                ("GET", "/admin/v1/list?a=" + String(repeating: "x", count: 9000), "", "414"),
                ("POST", "/admin/v1/echo", String(repeating: "x", count: 1_000_001), "413"),
            ]
            for (method, path, body, status) in cases {
                let answer = try await server.request(method, path, unix: true, body: body)
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(method) \(path.prefix(40))")
                #expect(answer.contains("application/problem+json"))
                let json = try #require(answer.split(separator: "\r\n\r\n").last)
                let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
                #expect(object?["status"] as? Int == Int(status))
            }
        }
    }

    @Test func longLists() async throws {
        try await Server.with(routes: Self.routes) { server in
            let answer = try await server.request("GET", "/admin/v1/list")
            #expect(answer.contains("application/x-ndjson"))
            #expect(answer.contains("{\"n\":0}\n{\"n\":1}\n"))
            #expect(answer.contains("{\"n\":4999}\n"))
            #expect(answer.hasSuffix("0\r\n\r\n"))
        }
    }

    @Test func slowHandler() async throws {
        let slow = AdminRoute(.get, "/slow") { _ in
            try await Task.sleep(for: .seconds(3600))
            return .noContent
        }
        try await Server.with(timeLimit: .milliseconds(50), routes: [slow]) { server in
            let answer = try await server.request("GET", "/slow")
            #expect(answer.hasPrefix("HTTP/1.1 504 "))
        }
    }

    @Test func largeHeaders() async throws {
        try await Server.with { server in
            let field = "X-Large: " + String(repeating: "x", count: 40_000) + "\r\n"
            let answer = try await server.request("GET", "/metrics", fields: field)
            #expect(!answer.hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func health() async throws {
        try await Server.with { server in
            #expect(try await server.request("GET", "/readyz").hasPrefix("HTTP/1.1 503 "))
            server.health.set("spool", .ready)
            server.health.set("sender", .starting)
            #expect(try await server.request("GET", "/readyz").hasPrefix("HTTP/1.1 503 "))
            server.health.set("sender", .ready)
            let answer = try await server.request("GET", "/readyz")
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
            #expect(answer.contains("\"sender\":{\"state\":\"ready\"}"))
            server.health.set("spool", .failed, reason: "disk full")
            #expect(try await server.request("GET", "/healthz").hasPrefix("HTTP/1.1 503 "))
        }
    }

    private func server(
        _ change: (inout HTTPConfiguration) -> Void,
        onListening: @escaping @Sendable (AdminServer.Listening) -> Void = { _ in }
    ) -> AdminServer {
        var configuration = HTTPConfiguration()
        configuration.address?.port = 0
        change(&configuration)
        return AdminServer(
            configuration: configuration, health: NodeHealth(), metrics: MetricsRegistry(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onListening: onListening)
    }

    @Test func aTakenPortEndsIt() async throws {
        try await Server.with { other in
            let second = server {
                $0.address?.port = other.port
                $0.socket = other.socket + "2"
            }
            await #expect(throws: (any Error).self) { try await second.run() }
            #expect(!FileManager.default.fileExists(atPath: other.socket + "2"))
        }
    }

    @Test func onlyTheDefaultSocketMayFail() async throws {
        let required = server {
            $0.socket = "/no/such/directory/a.sock"
            $0.isSocketRequired = true
        }
        await #expect(throws: AdminSocket.Failure.self) { try await required.run() }
        let (places, continuation) = AsyncStream.makeStream(of: AdminServer.Listening.self)
        let optional = server({ $0.socket = "/no/such/directory/a.sock" }, onListening: { continuation.yield($0) })
        let running = Task { try await optional.run() }
        var iterator = places.makeAsyncIterator()
        let place = await iterator.next()
        #expect(place.map { if case .tcp = $0 { true } else { false } } == true)
        running.cancel()
        _ = await running.result
    }

    @Test func aShortTokenEndsIt() async throws {
        let directory = try Files.temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        try Data("short\n".utf8).write(to: directory.appending(path: "token"))
        let bad = server { $0.tokenFile = directory.path + "/token" }
        await #expect(throws: AdminSocket.Failure.self) { try await bad.run() }
    }

    @Test func aLiveSocketIsNotTaken() async throws {
        try await Server.with { server in
            #expect(throws: AdminSocket.Failure.self) { _ = try AdminSocket(path: server.socket) }
            let answer = try await server.request("GET", "/healthz", unix: true)
            #expect(answer.hasPrefix("HTTP/1.1 "))
        }
    }

    @Test func aStaleSocketIsReplaced() throws {
        let directory = try Files.temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.path + "/a.sock"
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #expect(UnixAddress(path)?.with { bind(descriptor, $0, $1) } == 0)
        close(descriptor)
        let stale = AdminSocket.inode(path)
        let taken = try AdminSocket(path: path)
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        #expect(UnixAddress(taken.bindPath)?.with { bind(listener, $0, $1) } == 0)
        try taken.publish()
        #expect(AdminSocket.inode(path) != stale)
        taken.remove(inode: AdminSocket.inode(path))
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == [])
        try Data().write(to: URL(filePath: path))
        #expect(throws: AdminSocket.Failure.self) { _ = try AdminSocket(path: path) }
    }
}
