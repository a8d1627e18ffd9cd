import NodeRuntime
import Testing

@Suite struct AdminAccessTests {
    private let secret = "0123456789abcdef"

    private func status(
        _ door: AdminAccess.Door, write: Bool = false, path: String = "/admin/v1/queue", token: String? = nil,
        host: String? = "127.0.0.1:8025"
    ) -> Int {
        AdminAccess(door: door, token: BearerToken(secret)).refusal(
            isWrite: write, path: path, authorization: token, host: host)?.status ?? 200
    }

    @Test func unixSocketMayAll() {
        #expect(status(.unixSocket) == 200)
        #expect(status(.unixSocket, write: true, host: nil) == 200)
    }

    @Test func loopbackReads() {
        #expect(status(.loopback) == 200)
        #expect(status(.loopback, write: true) == 403)
        #expect(status(.loopback, write: true, token: "Bearer \(secret)") == 200)
        #expect(status(.loopback, write: true, token: "Bearer \(secret)x") == 401)
        #expect(status(.loopback, token: "Bearer 0123456789abcdeg") == 401)
        #expect(status(.loopback, token: "Basic \(secret)") == 401)
    }

    @Test func networkNeedsToken() {
        #expect(status(.network) == 401)
        #expect(status(.network, token: "bearer \(secret)") == 200)
        #expect(status(.network, path: "/metrics") == 200)
        #expect(status(.network, write: true) == 403)
    }

    @Test func reboundNames() {
        #expect(status(.loopback, host: "evil.example") == 421)
        #expect(status(.loopback, host: nil) == 421)
        #expect(status(.loopback, host: "localhost:8025") == 200)
        #expect(status(.loopback, host: "[::1]:8025") == 200)
    }

    @Test func withoutTokenNobodyHasOne() {
        let access = AdminAccess(door: .loopback, token: nil)
        #expect(access.refusal(isWrite: true, path: "/x", authorization: "Bearer ", host: "localhost")?.status == 401)
        #expect(BearerToken("short") == nil)
        #expect(BearerToken("0123456789abcdef\nnotes")?.isGiven(in: "Bearer 0123456789abcdef") == true)
        #expect("\(BearerToken(secret)!)" == "(secret)")
    }

    @Test func routing() {
        func route(_ method: AdminRoute.Method, _ path: String) -> AdminRoute {
            AdminRoute(method, path) { _ in .noContent }
        }
        let router = AdminRouter([
            route(.get, "/q/{id}"), route(.get, "/q/list"), route(.post, "/q/{id}/hold"), route(.delete, "/q/{id}"),
        ])
        func found(_ method: String, _ path: String) -> String {
            switch router.match(method: method, path: path) {
            case .route(let route, let parameters): "\(route.path) \(parameters["id"] ?? "")"
            case .otherMethods(let methods): methods.joined(separator: ",")
            case .none: "none"
            }
        }
        #expect(found("GET", "/q/list") == "/q/list ")
        #expect(found("GET", "/q/a%20b") == "/q/{id} a b")
        #expect(found("GET", "/q/a%2Fb") == "/q/{id} a/b")
        #expect(found("PUT", "/q/1") == "GET,DELETE")
        for path in ["/q", "/q/", "/q/1/", "/q/%zz", "/q/%00", "/q/%ff", "//q/1", ""] {
            #expect(found("GET", path) == "none")
        }
    }

    @Test func queries() {
        #expect(PercentCoding.query("a=1&b=x+y%21&c") == ["a": "1", "b": "x y!", "c": ""])
        #expect(PercentCoding.query("a=%") == nil)
        #expect(PercentCoding.query(String(repeating: "a&", count: 101)[...]) == nil)
    }
}
