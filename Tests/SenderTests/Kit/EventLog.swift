import Foundation
import MailModel
import NIOCore
import Spool
import Synchronization

/// What the tests look at in a delivery event.
struct LoggedEvent: Decodable, Sendable {
    struct Reply: Decodable, Sendable {
        let code: Int
        let text: String
    }

    struct Remote: Decodable, Sendable {
        let host: String?
        let address: String?
    }

    let eventID: String
    let type: String
    let queueID: String
    let part: Int
    let reversePath: String
    let recipient: String
    let domain: String
    let attempt: Int
    let nextAttempt: String?
    let reply: Reply?
    let `class`: String?
    let ambiguous: Bool?
    let reason: String?
    let actor: String?
    let source: String?
    let site: String?
    let route: String?
    let `protocol`: String?
    let remote: Remote?

    enum CodingKeys: String, CodingKey {
        case eventID = "event_id"
        case queueID = "queue_id"
        case reversePath = "reverse_path"
        case nextAttempt = "next_attempt"
        case type, part, recipient, domain, attempt, reply, `class`, ambiguous, reason, actor, source, remote, site,
            route, `protocol`
    }

    static let finals: Set<String> = ["delivered", "failed", "expired", "dropped", "suppressed", "set_aside"]
    var isFinal: Bool { Self.finals.contains(type) }
    /// One recipient of one part.
    var subject: String { "\(queueID)/\(part)/\(recipient)" }
}

/// The events of a spool from its beginning, read as they come.
final class EventLog: Sendable {
    private let stream: any RecordStream
    private let found = Mutex<[LoggedEvent]>([])

    init(_ spool: any Spool) async throws { stream = try await spool.follow(.events, from: .beginning) }
    deinit { stream.close() }

    /// All so far, in the order of the log within each message.
    func all() async throws -> [LoggedEvent] {
        while true {
            let records = try await stream.next(wait: false)
            if records.isEmpty { return found.withLock { $0 } }
            let decoder = JSONDecoder()
            let events = try records.compactMap {
                try $0.value.map { try decoder.decode(LoggedEvent.self, from: Data($0.readableBytesView)) }
            }
            found.withLock { $0 += events }
        }
    }

    func all(_ type: String) async throws -> [LoggedEvent] { try await all().filter { $0.type == type } }
    func count(_ type: String) async throws -> Int { try await all(type).count }
}
