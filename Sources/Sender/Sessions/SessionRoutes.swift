import MailModel
import NIOCore
package import NodeRuntime

extension SenderService {
    private static let filters = ["site", "source", "domain", "id"]
    private static let longest = 3600

    /// The live dialogue of attempts. It holds addresses and what hosts say about them: not for everybody who may read.
    package var sessionRoutes: [AdminRoute] {
        [
            AdminRoute(.get, "/admin/v1/sessions", isConfidential: true) { [watches] request in
                let selector = try Self.watched(request.query)
                let attempts = try request.integer("count", in: 1...1000, default: 1)
                let seconds = try request.integer("seconds", in: 1...Self.longest, default: 300)
                let watch = try await watches.begin(selector, attempts: attempts, for: .seconds(seconds))
                return .lines { lines in
                    defer { watches.remove(watch) }
                    try await watch.read { taken in
                        for line in taken { try await lines.write(json: line) }
                        // An empty line, so that a reader who went away is noticed.
                        if taken.isEmpty { try await lines.write(json: ByteBuffer()) }
                        try await lines.flush()
                    }
                }
            }
        ]
    }

    private static func watched(_ query: [String: String]) throws(AdminProblem) -> SessionWatch.Selector {
        if let unknown = query.keys.first(where: { !filters.contains($0) && !["count", "seconds"].contains($0) }) {
            throw .badRequest("\(unknown) is no filter; allowed are \(filters.joined(separator: ", "))")
        }
        var selector = SessionWatch.Selector()
        selector.site = query["site"]
        selector.source = query["source"]
        if let text = query["domain"] {
            guard let domain = Domain(normalizing: text) else { throw .badRequest("domain: \(text) is not a domain") }
            selector.domain = domain.name
        }
        if let text = query["id"] {
            guard let id = QueueID(text) else {
                throw .badRequest("id: \(text) is not a queue ID: 26 letters and digits")
            }
            selector.queueID = id
        }
        guard !selector.isEmpty else { throw .badRequest("give one of \(filters.joined(separator: ", "))") }
        return selector
    }
}
