package import NIOCore

/// One thing that operators can ask a node, added by the role that answers it.
package struct AdminRoute: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"

        /// Only GET leaves everything as it was.
        var isWrite: Bool { self != .get }
    }

    package let method: Method
    /// `/admin/v1/queue/{id}`: a component in braces takes any one component.
    package let path: String
    /// A read that not everybody may do who may read: it needs what a write needs.
    package let isConfidential: Bool
    package let handler: @Sendable (AdminRequest) async throws -> AdminResponse

    package init(
        _ method: Method, _ path: String, isConfidential: Bool = false,
        handler: @escaping @Sendable (AdminRequest) async throws -> AdminResponse
    ) {
        self.method = method
        self.path = path
        self.isConfidential = isConfidential
        self.handler = handler
    }
}

/// A request that may be answered: its path matched, and its sender is allowed what it asks.
package struct AdminRequest: Sendable {
    package var method: AdminRoute.Method
    package var path: String
    /// The components in braces, percent-decoded.
    package var parameters: [String: String]
    /// Percent-decoded; of a name given twice, the last.
    package var query: [String: String]
    /// At most 1 MB.
    package var body: ByteBuffer

    package init(
        method: AdminRoute.Method, path: String, parameters: [String: String] = [:], query: [String: String] = [:],
        body: ByteBuffer = ByteBuffer()
    ) {
        self.method = method
        self.path = path
        self.parameters = parameters
        self.query = query
        self.body = body
    }

    /// A query parameter as a number.
    package func integer(_ name: String, in range: ClosedRange<Int>, default fallback: Int) throws(AdminProblem) -> Int
    {
        guard let text = query[name] else { return fallback }
        guard let value = Int(text), range.contains(value) else {
            throw .badRequest("\(name) must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}

/// What is answered.
package struct AdminResponse: Sendable {
    enum Body: Sendable {
        case bytes(ByteBuffer)
        case lines(@Sendable (AdminLines) async throws -> Void)
    }

    package var status: Int
    package var contentType: String
    var body: Body

    package init(status: Int = 200, contentType: String, body: ByteBuffer) {
        self.status = status
        self.contentType = contentType
        self.body = .bytes(body)
    }

    package static func text(_ text: String, status: Int = 200) -> AdminResponse {
        AdminResponse(status: status, contentType: "text/plain; charset=utf-8", body: ByteBuffer(string: text))
    }

    package static let noContent = AdminResponse(status: 204, contentType: "", body: ByteBuffer())

    /// A list of any length: one JSON object a line (`application/x-ndjson`), sent as it is written.
    ///
    /// An error thrown after the first line can only cut the connection; the client sees an unfinished body.
    package static func lines(_ write: @escaping @Sendable (AdminLines) async throws -> Void) -> AdminResponse {
        var response = AdminResponse(contentType: "application/x-ndjson", body: ByteBuffer())
        response.body = .lines(write)
        return response
    }
}

/// An error as RFC 9457 describes it; thrown by handlers.
package struct AdminProblem: Error, Equatable, Sendable {
    package var status: Int
    /// Constant words for the kind of problem.
    package var title: String
    /// What about this request.
    package var detail: String

    package init(status: Int, title: String, detail: String) {
        (self.status, self.title, self.detail) = (status, title, detail)
    }

    package static func badRequest(_ detail: String) -> AdminProblem {
        AdminProblem(status: 400, title: "Bad request", detail: detail)
    }
    package static func notFound(_ detail: String) -> AdminProblem {
        AdminProblem(status: 404, title: "Not found", detail: detail)
    }
    package static func conflict(_ detail: String) -> AdminProblem {
        AdminProblem(status: 409, title: "Conflict", detail: detail)
    }
    package static func unavailable(_ detail: String) -> AdminProblem {
        AdminProblem(status: 503, title: "Unavailable", detail: detail)
    }

    var response: AdminResponse {
        let json: JSONValue = .object([
            "type": .string("about:blank"), "title": .string(title), "status": .integer(status),
            "detail": .string(detail),
        ])
        return AdminResponse(
            status: status, contentType: "application/problem+json", body: ByteBuffer(string: json.text))
    }
}
