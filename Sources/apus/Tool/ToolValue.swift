import ArgumentParser
import MailModel

/// Values as `sink` and `send` take them; each refusal says what is allowed.
enum ToolValue {
    private static let durations = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)]
    private static let sizes = [
        ("B", 1), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("KiB", 1 << 10), ("MiB", 1 << 20),
        ("GiB", 1 << 30),
    ]

    static func duration(_ text: String) throws -> Duration {
        .milliseconds(try number(text, durations, allowed: "a number with ms, s, m or h, as 500ms, 2s, 5m"))
    }

    static func size(_ text: String) throws -> Int {
        try number(text, sizes, allowed: "a number with B, KB, MB, GB, KiB, MiB or GiB, as 4KB, 64KiB, 10MB")
    }

    /// A fraction of one: `2.5%` is 0.025.
    static func share(_ text: String) throws -> Double {
        guard text.hasSuffix("%"), let percent = Double(text.dropLast()), (0...100).contains(percent) else {
            throw ValidationError("write 0% to 100%, as 10% or 0.5%")
        }
        return percent / 100
    }

    /// `450 4.2.0 try later`: code, enhanced status code (may be left out), text.
    static func reply(_ text: String) throws -> Reply {
        let allowed = "write a reply as \"450 4.2.0 try later\": 250-259 or 400-599, class.subject.detail, text"
        let words = text.split(separator: " ", maxSplits: 1)
        guard let first = words.first, first.utf8.count == 3, let code = UInt16(first),
            (250...259).contains(code) || (400...599).contains(code), text.utf8.count <= 500,
            text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
        else { throw ValidationError(allowed) }
        let rest = words.count > 1 ? words[1].split(separator: " ", maxSplits: 1) : []
        let numbers = rest.first?.split(separator: ".").map { UInt16($0) } ?? []
        guard numbers.count == 3, let status = numbers[0], let subject = numbers[1], let detail = numbers[2] else {
            return Reply(code, nil, words.count > 1 ? String(words[1]) : "As the sink was told")
        }
        guard status == code / 100, subject < 1000, detail < 1000 else { throw ValidationError(allowed) }
        return Reply(code, StatusDetail(subject, detail), rest.count > 1 ? String(rest[1]) : "As the sink was told")
    }

    /// An address for a command of SMTP, with or without angle brackets.
    static func mailbox(_ text: String) throws -> Mailbox {
        guard let mailbox = Mailbox(unbracketed(text)) else {
            throw ValidationError("write an address as local@domain, without a display name")
        }
        return mailbox
    }

    static func reversePath(_ text: String) throws -> ReversePath {
        let text = unbracketed(text)
        return text.isEmpty ? .null : .mailbox(try mailbox(text))
    }

    private static func unbracketed(_ text: String) -> String {
        text.hasPrefix("<") && text.hasSuffix(">") ? String(text.dropFirst().dropLast()) : text
    }

    /// A whole number of up to 12 digits with a unit, so that no product overflows.
    private static func number(_ text: String, _ units: [(String, Int)], allowed: String) throws -> Int {
        let end = text.firstIndex { !("0"..."9").contains($0) } ?? text.endIndex
        guard text[..<end].utf8.count <= 12, let value = Int(text[..<end]),
            let unit = units.first(where: { $0.0 == text[end...] })?.1,
            case let (product, overflow) = value.multipliedReportingOverflow(by: unit), !overflow
        else { throw ValidationError("write \(allowed)") }
        return product
    }
}

/// A host, by name or address, and a port.
struct HostEndpoint: Sendable, CustomStringConvertible {
    /// Without brackets.
    var host: String
    var port: Int

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Reads `127.0.0.1:2525`, `[::1]:2525` or `mx.example:25`.
    ///
    /// - Parameter ports: 0 is allowed where the system may choose.
    static func parse(_ text: String, ports: ClosedRange<Int>) throws -> HostEndpoint {
        let allowed = "write HOST:PORT, as 127.0.0.1:2525 or [::1]:2525, the port \(ports.lowerBound) to 65535"
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            ports.contains(port)
        else { throw ValidationError(allowed) }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw ValidationError(allowed)
        }
        guard !host.isEmpty, host.utf8.count <= 253 else { throw ValidationError(allowed) }
        return HostEndpoint(host: String(host), port: port)
    }
}
