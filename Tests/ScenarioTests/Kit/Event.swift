import Foundation
import MailTestKit

/// A delivery event as the log holds it; the names are those of the stable JSON fields in camel case.
struct Event: Decodable {
    struct Reply: Decodable {
        var code: Int
        var enhanced: String?
        var text: String?
    }
    struct Client: Decodable { var address, ehlo, user: String? }
    struct Remote: Decodable { var host, address: String? }
    struct TLS: Decodable {
        var version, cipher, policy: String?
        var verified: Bool?
    }

    var eventId: String
    var type: String
    var time: String
    var queueId: String
    var part: Int?
    var recipient: String?
    var reversePath: String?
    var envelopeId: String?
    var orcpt: String?
    var domain: String?
    var attempt: Int?
    var nextAttempt: String?
    var reply: Reply?
    var `class`: String?
    var severity: String?
    var client: Client?
    var remote: Remote?
    var tls: TLS?
    var reason: String?
    var actor: String?
    var listener: String?
    var route: String?
    var `protocol`: String?
    var site: String?
}

extension Node {
    /// Events of a message so far, oldest first.
    func events(of id: String) async throws -> [Event] {
        let (status, body) = try await get("/admin/v1/messages/\(id)/trace")
        if status == 404 { return [] }
        guard status == 200 else { throw TestKitError("trace: \(status) \(String(decoding: body, as: UTF8.self))") }
        return try JSONLines.decode(Event.self, body)
    }

    /// Events of a message, once there is one of the type for each of so many recipients.
    func events(
        of id: String, until type: String, count: Int = 1, timeout: Duration = patience
    ) async throws -> [Event] {
        var last: [Event] = []
        do {
            return try await wait(for: "\(count) of \(type)", timeout: timeout) {
                last = try await events(of: id)
                return last.count { $0.type == type } >= count ? last : nil
            }
        } catch { throw TestKitError("\(error); so far \(last.map(\.type))") }
    }
}
