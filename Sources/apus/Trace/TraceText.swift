import Foundation

/// How an event looks on a terminal.
enum TraceText {
    static func line(_ json: Data) throws -> String {
        let event = try JSONSerialization.jsonObject(with: json) as? [String: Any] ?? [:]
        func text(_ key: String) -> String? { (event[key] as? String).flatMap { $0.isEmpty ? nil : $0 } }
        func inner(_ key: String, _ field: String) -> String? { (event[key] as? [String: Any])?[field] as? String }
        var parts = [text("time") ?? "", text("type") ?? "", text("recipient") ?? ""]
        if let attempt = event["attempt"] as? Int, attempt > 0 { parts.append("attempt \(attempt)") }
        if let host = inner("remote", "host") { parts.append("at \(host) [\(inner("remote", "address") ?? "")]") }
        if let source = text("source_address") { parts.append("from \(source)") }
        if let client = inner("client", "address") { parts.append("from \(client) by \(text("listener") ?? "")") }
        if let tls = inner("tls", "version") { parts.append(tls) }
        if let reply = event["reply"] as? [String: Any], let code = reply["code"] as? Int {
            let enhanced = (reply["enhanced"] as? String).map { " \($0)" } ?? ""
            parts.append("\(code)\(enhanced) \(reply["text"] as? String ?? "")")
        }
        if let name = text("class") { parts.append("(\(name)\(text("severity").map { ", \($0)" } ?? ""))") }
        if let reason = text("reason"), reason != inner("reply", "text") { parts.append(reason) }
        if let actor = text("actor") { parts.append("by \(actor)") }
        if let next = text("next_attempt") { parts.append("next \(next)") }
        return parts.filter { !$0.isEmpty }.joined(separator: "  ")
    }
}
