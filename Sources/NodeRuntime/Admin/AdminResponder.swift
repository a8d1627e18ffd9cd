internal import Hummingbird
internal import Logging
internal import NIOCore

/// From a request of Hummingbird to a route and back; where limits, access and errors are decided.
struct AdminResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    static let bodyLimit = 1_000_000
    static let targetLimit = 8192

    let router: AdminRouter
    let access: AdminAccess
    /// For one request; a list that is sent line by line may take longer.
    let timeLimit: Duration
    let logger: Logger

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        let isHead = request.method.rawValue == "HEAD"
        let method = isHead ? "GET" : request.method.rawValue
        do {
            var response = try await answer(request, method: method).hummingbird
            if isHead { response.body = ResponseBody() }
            return response
        } catch let problem as AdminProblem {
            return problem.response.hummingbird
        } catch {
            logger.error(
                "admin request failed",
                metadata: [LogKey.method: "\(method)", LogKey.path: "\(request.uri.path)", LogKey.error: "\(error)"])
            return AdminProblem(status: 500, title: "Internal error", detail: "see the log").response.hummingbird
        }
    }

    private func answer(_ request: Request, method: String) async throws -> AdminResponse {
        guard request.uri.string.utf8.count <= Self.targetLimit else {
            throw AdminProblem(status: 414, title: "URI too long", detail: "at most \(Self.targetLimit) bytes")
        }
        let path = request.uri.path
        let match = router.match(method: method, path: path)
        let refusal = access.refusal(
            isWrite: method != "GET" || match.isConfidential, path: path,
            authorization: request.headers[.authorization], host: request.head.authority)
        if let refusal { throw refusal }
        switch match {
        case .none: throw AdminProblem.notFound("nothing at \(path)")
        case .otherMethods(let allowed):
            throw AdminProblem(
                status: 405, title: "Method not allowed", detail: "allowed: \(allowed.joined(separator: ", "))")
        case .route(let route, let parameters):
            guard let query = PercentCoding.query(request.uri.query.map { $0[...] } ?? "") else {
                throw AdminProblem.badRequest("the query cannot be decoded")
            }
            return try await run(route, parameters, query, request)
        }
    }

    private func run(
        _ route: AdminRoute, _ parameters: [String: String], _ query: [String: String], _ request: Request
    ) async throws -> AdminResponse {
        try await withThrowingTaskGroup(of: AdminResponse.self) { group in
            group.addTask {
                var body = ByteBuffer()
                for try await piece in request.body {
                    guard body.readableBytes + piece.readableBytes <= Self.bodyLimit else {
                        throw AdminProblem(
                            status: 413, title: "Content too large", detail: "at most \(Self.bodyLimit) bytes")
                    }
                    body.writeImmutableBuffer(piece)
                }
                return try await route.handler(
                    AdminRequest(
                        method: route.method, path: request.uri.path, parameters: parameters, query: query, body: body))
            }
            group.addTask { [timeLimit] in
                try await Task.sleep(for: timeLimit)
                throw AdminProblem(status: 504, title: "Timed out", detail: "no answer within \(timeLimit)")
            }
            defer { group.cancelAll() }
            guard let response = try await group.next() else { throw CancellationError() }
            return response
        }
    }
}

extension AdminResponse {
    fileprivate var hummingbird: Response {
        var headers = HTTPFields()
        if !contentType.isEmpty { headers[.contentType] = contentType }
        headers[.cacheControl] = "no-store"
        headers[.xContentTypeOptions] = "nosniff"
        if status == 401 { headers[.wwwAuthenticate] = "Bearer realm=\"apus\"" }
        let content: ResponseBody =
            switch body {
            case .bytes(let bytes) where bytes.readableBytes == 0: ResponseBody()
            case .bytes(let bytes): ResponseBody(byteBuffer: bytes)
            case .lines(let write): AdminResponse.stream(write)
            }
        return Response(status: .init(code: status), headers: headers, body: content)
    }

    private static func stream(_ write: @escaping @Sendable (AdminLines) async throws -> Void) -> ResponseBody {
        ResponseBody { writer in
            var out = writer
            let lines = AdminLines { try await out.write($0) }
            try await write(lines)
            try await lines.flush()
            try await out.finish(nil)
        }
    }
}
