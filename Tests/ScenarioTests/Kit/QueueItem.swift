import Foundation
import MailTestKit

/// What `apus queue` and the admin API say of a queued message.
struct QueueItem: Decodable {
    struct Recipient: Decodable {
        var recipient: String
        var attempt: Int
        var reply: String?
        var `class`, severity, errorClass: String?
    }

    var queueId, state, domain: String
    var reason: String?
    var nextAttempt: String?
    var recipients: [Recipient]
}

/// What `apus why` says: the gate that holds a message.
struct WhyAnswer: Decodable {
    var state, gate, value: String
    var until: String?
}

/// JSON with the stable names of events, one object a line.
enum JSONLines {
    static func decode<Value: Decodable>(_ type: Value.Type, _ lines: [String]) throws -> [Value] {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try lines.filter { !$0.isEmpty }.map { try decoder.decode(type, from: Data($0.utf8)) }
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ data: Data) throws -> [Value] {
        try decode(type, String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init))
    }
}

extension Node {
    func queue(_ query: String = "") async throws -> [QueueItem] {
        try JSONLines.decode(QueueItem.self, try await get("/admin/v1/queue?limit=100000\(query)").body)
    }

    /// - Returns: `nil` where the message has left the queue.
    func why(_ id: String) async throws -> [WhyAnswer]? {
        let (status, body) = try await get("/admin/v1/messages/\(id)/why")
        return status == 404 ? nil : try JSONDecoder().decode([WhyAnswer].self, from: body)
    }
}
