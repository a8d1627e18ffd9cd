import Foundation

/// How a line of a session looks on a terminal. The node has escaped what a terminal would act on.
struct SessionText: Decodable, CustomStringConvertible {
    private let type: String
    private let session, ms, count, seconds, lines, recipients, part, port, earlier: Int?
    private let text, site, source, address, host, id, version, cipher, sourceAddress: String?
    private let verified: Bool?

    private enum CodingKeys: String, CodingKey {
        case type, session, ms, count, seconds, lines, recipients, part, port, text, site, source, address, host
        case version, cipher, verified
        case id = "queue_id"
        case sourceAddress = "source_address"
        case earlier = "reused_after"
    }

    init(_ line: Data) throws { self = try JSONDecoder().decode(SessionText.self, from: line) }

    /// An attempt was seen, if only one whose connection failed.
    var showsAttempt: Bool { type == "attempt" || type == "closed" && text != "with QUIT" }

    /// Number of the session, milliseconds since it began, and `>` for what went to the host, `<` for what came.
    var description: String {
        guard let session else { return "* \(words)" }
        return "\(Self.right("\(session)", 3)) \(Self.right("\(ms ?? 0)", 7)) ms  \(words)"
    }

    private var words: String {
        switch type {
        case "sent", "content": "> \(text ?? "")"
        case "received": "< \(text ?? "")"
        case "watching": "watching for \(seconds ?? 0) s, for up to \(count ?? 0) attempts"
        case "session": "* \(place)"
        case "tls": "* \(version ?? "TLS") \(cipher ?? ""), certificate \(verified == true ? "" : "not ")verified"
        case "attempt": "* attempt of \(id ?? "")/\(part ?? 0), recipients: \(recipients ?? 0)"
        case "failed": "* \(text ?? "")"
        case "closed": "* closed: \(text ?? "")"
        case "lost": "\(lines ?? 0) lines were lost here: they came faster than they were read"
        default: text ?? type
        }
    }

    private var place: String {
        let from = [source, sourceAddress.map { "[\($0)]" }].compactMap { $0 }.joined(separator: " ")
        let open = earlier.map { ", open, after \($0) transactions" } ?? ""
        return "to \(host ?? "") [\(address ?? "")]:\(port ?? 0) from \(from), site \(site ?? "")\(open)"
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
