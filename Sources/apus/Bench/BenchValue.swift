import ArgumentParser
import LoadTest
import MailModel

/// Values as `bench` takes them; each refusal says what is allowed.
enum BenchValue {
    enum Domains {
        case count(Int)
        case weighted([LoadPlan.Domain])
    }

    enum DomainPattern: String, CaseIterable, ExpressibleByArgument { case uniform, zipf }

    private static let domainLimit = 1_000_000
    private static let listLimit = 1000
    private static let weights: ClosedRange<Double> = 0.001...1_000_000

    static func rate(_ text: String) throws -> Double {
        let units: [Substring: Double] = ["s": 1, "m": 60, "h": 3600]
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let seconds = units[parts[1]], let count = number(parts[0]),
            (0.001...1_000_000).contains(count / seconds)
        else { throw ValidationError("write a rate with /s, /m or /h, as 500/s or 20000/m, 0.001/s to 1000000/s") }
        return count / seconds
    }

    static func sizes(_ text: String) throws -> [LoadPlan.Size] {
        try list(text, "sizes").map { name, weight in
            let octets = try ToolValue.size(String(name))
            guard (1...SendMessageOptions.limit).contains(octets) else {
                throw ValidationError("\(name): 1B to \(SendMessageOptions.limit / 1_000_000)MB")
            }
            return LoadPlan.Size(octets: octets, weight: weight)
        }
    }

    static func domain(_ text: String) throws -> String {
        guard let domain = Domain(normalizing: text) else { throw ValidationError("write a domain, as dst.test") }
        return domain.name
    }

    static func domains(_ text: String) throws -> Domains {
        if let count = Int(text) {
            guard (1...domainLimit).contains(count) else { throw ValidationError("1 to \(domainLimit) domains") }
            return .count(count)
        }
        return .weighted(
            try list(text, "domains").map { LoadPlan.Domain(name: try domain(String($0)), weight: $1) })
    }

    static func localPart(_ text: String) throws -> String {
        guard (1...40).contains(text.utf8.count), Mailbox("\(text)+b1.0@dst.test") != nil,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") })
        else { throw ValidationError("write a local part of 1 to 40 characters, without quotes, as bounce") }
        return text
    }

    /// `name:weight,name:weight`; without a weight it is 1.
    private static func list(_ text: String, _ what: String) throws -> [(Substring, Double)] {
        let entries = text.split(separator: ",", omittingEmptySubsequences: false)
        guard (1...listLimit).contains(entries.count) else { throw ValidationError("1 to \(listLimit) \(what)") }
        return try entries.map { entry in
            let parts = entry.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2, !parts[0].isEmpty else { throw ValidationError("\"\(entry)\": write NAME:WEIGHT") }
            guard parts.count == 2 else { return (parts[0], 1) }
            guard let weight = number(parts[1]), weights.contains(weight) else {
                throw ValidationError("\"\(entry)\": a weight is a number of 0.001 to 1000000")
            }
            return (parts[0], weight)
        }
    }

    /// Digits with a point: `Double` would read `inf` and `0x1p3` too.
    private static func number(_ text: Substring) -> Double? {
        guard (1...20).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E })
        else {
            return nil
        }
        return Double(text)
    }
}
