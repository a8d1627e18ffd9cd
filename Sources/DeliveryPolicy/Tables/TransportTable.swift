package import MailModel

/// Where a table of transports sends the mail of a domain.
package enum TransportAction: Equatable, Sendable {
    /// By the MX hosts of that domain, or of the recipient's with `nil`.
    case mx(Domain?, port: Int?)
    /// To these hosts, in this order.
    case relay([TransportHost])
    /// To these hosts by LMTP.
    case lmtp(TransportHost)
    /// By LMTP to this Unix socket, an absolute path.
    case lmtpSocket(String)
    case discard
    /// Recipients end at once, or are tried later, with this reply.
    case fail(Reply)
}

package struct TransportHost: Equatable, Sendable {
    package enum Host: Equatable, Sendable { case name(Domain), address(IPAddress) }

    package var host: Host
    package var port: Int?

    package init(host: Host, port: Int?) { (self.host, self.port) = (host, port) }
}

/// `transport` of Postfix (transport(5)) and `mailertable` of Sendmail, for domains.
package struct TransportTable: Sendable, Equatable {
    private var table = KeyValueTable()

    package init() {}

    package var count: Int { table.count }

    package static func read(_ text: [UInt8], entryLimit: Int) -> TableReading<TransportTable> {
        let read = KeyValueTable.read(text, entryLimit: entryLimit) { key, value in
            if key.utf8.contains(UInt8(ascii: "@")) {
                return .error("is one address; Apus routes domains: allowed are domain, .domain and *")
            }
            switch parse(value) {
            case .success: return nil
            case .failure(let refusal): return .error(refusal.reason)
            }
        }
        var reading = TableReading(TransportTable())
        reading.table.table = read.table
        (reading.problems, reading.furtherProblems) = (read.problems, read.furtherProblems)
        return reading
    }

    /// In Postfix's order: the domain, `.parent` from the nearest on, `*` (in Sendmail's tables a lone dot).
    package func action(for domain: Domain) -> TransportAction? {
        guard !table.map.isEmpty else { return nil }
        guard let value = value(for: domain.name) else { return nil }
        // What cannot be parsed was refused when the table was read.
        if case .success(let action) = Self.parse(value) { return action }
        return nil
    }

    private func value(for name: String) -> String? {
        if let value = table[name] { return value }
        var rest = Substring(name)
        while !name.hasPrefix("["), let dot = rest.utf8.firstIndex(of: UInt8(ascii: ".")) {
            if let value = table[String(rest[dot...])] { return value }
            rest = rest[rest.index(after: dot)...]
        }
        return table["*"] ?? table["."]
    }

    package struct Refusal: Error, Equatable {
        package let reason: String
    }

    /// `transport:nexthop`; either may be missing.
    static func parse(_ text: String) -> Result<TransportAction, Refusal> {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else {
            return .failure(Refusal(reason: "has no colon; allowed: transport:nexthop, as smtp:[mail.example.org]:25"))
        }
        let name = text[..<colon].lowercased()
        let rest = text[text.utf8.index(after: colon)...].trimmingBlanks
        switch name {
        case "", "smtp", "relay", "esmtp", "smtp8", "dsmtp": return hosts(rest)
        case "discard": return .success(.discard)
        case "error", "retry": return .success(.fail(reply(rest, isLater: name == "retry")))
        case "lmtp": return lmtp(rest)
        case "local", "virtual", "pipe", "uucp", "procmail", "prog":
            return .failure(
                Refusal(
                    reason: "names \(name): tables route to no mailboxes or programs; allowed: smtp, relay, esmtp, "
                        + "lmtp, discard, error, retry"))
        default:
            return .failure(
                Refusal(
                    reason: "names a transport that Apus does not know; allowed: smtp, relay, esmtp, lmtp, discard, "
                        + "error, retry"))
        }
    }

    private static func hosts(_ text: String) -> Result<TransportAction, Refusal> {
        if text.isEmpty { return .success(.mx(nil, port: nil)) }
        let parts = text.split(separator: ",").map { $0.trimmingBlanks }.filter { !$0.isEmpty }
        var hosts: [TransportHost] = []
        for part in parts {
            let isBracketed = part.hasPrefix("[")
            guard let host = host(part, isBracketed: isBracketed) else {
                return .failure(
                    Refusal(reason: "has no host in \(part); allowed: [host]:port, host, or several by commas"))
            }
            guard !isBracketed else {
                hosts.append(host)
                continue
            }
            guard parts.count == 1, case .name(let domain) = host.host else {
                return .failure(Refusal(reason: "names several hosts, or an address, without [brackets]"))
            }
            return .success(.mx(domain, port: host.port))
        }
        return hosts.isEmpty ? .failure(Refusal(reason: "has no host")) : .success(.relay(hosts))
    }

    /// `unix:/path`, `inet:host:port`, or a host as for SMTP; Postfix looks for no MX here (lmtp(8)).
    private static func lmtp(_ text: String) -> Result<TransportAction, Refusal> {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            // sun_path holds 108 bytes with the final zero (unix(7)).
            guard path.hasPrefix("/"), !path.hasSuffix("/"), path.utf8.count < 108 else {
                return .failure(Refusal(reason: "has no absolute path of a socket behind lmtp:unix:"))
            }
            return .success(.lmtpSocket(path))
        }
        let place = text.hasPrefix("inet:") ? String(text.dropFirst(5)) : text
        guard let host = host(place, isBracketed: place.hasPrefix("[")), host.port != 25 else {
            return .failure(
                Refusal(
                    reason: "has no host for LMTP; allowed: lmtp:unix:/path, lmtp:inet:host:port, not 25 (RFC 2033)"))
        }
        return .success(.lmtp(host))
    }

    private static func host(_ text: String, isBracketed: Bool) -> TransportHost? {
        let end = isBracketed ? text.firstIndex(of: "]") : text.firstIndex(of: ":") ?? text.endIndex
        guard let end else { return nil }
        var name = isBracketed ? text[..<end].dropFirst() : text[..<end]
        let rest = isBracketed ? text[end...].dropFirst() : text[end...]
        guard let port = port(rest) else { return nil }
        if name.lowercased().hasPrefix("ipv6:") { name = name.dropFirst(5) }
        if let address = IPAddress(String(name)) {
            return address.isHostAddress ? TransportHost(host: .address(address), port: port) : nil
        }
        guard let domain = Domain(normalizing: String(name)), !domain.isAddressLiteral else { return nil }
        return TransportHost(host: .name(domain), port: port)
    }

    /// - Returns: `nil` for what is no port; of the service names those that mail has.
    private static func port(_ rest: Substring) -> Int?? {
        if rest.isEmpty { return .some(nil) }
        switch rest {
        case ":smtp": return 25
        case ":submission": return 587
        default: break
        }
        guard rest.hasPrefix(":"), let port = Int(rest.dropFirst()), (1...65_535).contains(port) else { return nil }
        return port
    }

    private static func reply(_ text: String, isLater: Bool) -> Reply {
        let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        let parts = words.first.map { $0.split(separator: ".").compactMap { UInt16($0) } } ?? []
        let isCoded = parts.count == 3 && (parts[0] == 4 || parts[0] == 5) && parts[1] < 1000 && parts[2] < 1000
        let detail = isCoded ? StatusDetail(parts[1], parts[2]) : StatusDetail(4, 4)
        let said = isCoded ? (words.count > 1 ? words[1].trimmingBlanks : "") : text
        let code: UInt16 = isLater || isCoded && parts[0] == 4 ? 450 : 550
        return Reply(code, detail, said.isEmpty ? "not deliverable, as its transport says" : said)
    }
}
