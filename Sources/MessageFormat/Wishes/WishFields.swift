package import MailModel
package import NIOCore

/// Reads and removes the header fields in which trusted clients say what they want of Apus (`X-Apus-Tenant` …).
package struct WishFields: Sendable {
    /// Meaning of one field.
    package enum Meaning: Hashable, Sendable {
        case tenant, campaign, pool, priority, lifetime
        /// Name in lower case.
        case tag(String)

        /// - Parameter name: What follows `X-Apus-`, in any case: `Tenant`, `Tag-Segment`.
        package init?(_ name: some StringProtocol) {
            let name = name.lowercased()
            switch name {
            case "tenant": self = .tenant
            case "campaign": self = .campaign
            case "pool": self = .pool
            case "priority": self = .priority
            case "lifetime": self = .lifetime
            default:
                guard name.hasPrefix("tag-"), Self.isTagName(name.dropFirst(4)) else { return nil }
                self = .tag(String(name.dropFirst(4)))
            }
        }

        private static func isTagName(_ name: Substring) -> Bool {
            (1...64).contains(name.utf8.count)
                && name.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                        UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                        true
                    default: false
                    }
                }
        }
    }

    /// A field that cannot be honoured.
    package struct Problem: Equatable, Sendable {
        package enum Kind: String, Sendable { case unknownField, badValue, repeated, tooMany }

        package var kind: Kind
        package var field: String
        /// At most 64 bytes of printable ASCII.
        package var value: String
        /// What would have been right.
        package var expected: String
    }

    package static let prefix = "x-apus-"
    private static let reference = TraceTag.field.lowercased()
    package static let maximumValue = 255
    package static let maximumTags = 32

    /// Lists exactly the fields that `read` and `strip` take from a section.
    package let scanner: HeaderScanner
    private let aliases: [String: Meaning]

    /// - Parameter aliases: Other names of fields, as `X-Job` for the campaign; in any case.
    package init(aliases: [String: Meaning] = [:]) {
        var folded: [String: Meaning] = [:]
        for (name, meaning) in aliases { folded[name.lowercased()] = meaning }
        self.aliases = folded
        scanner = HeaderScanner(prefixes: [Self.prefix], names: Array(folded.keys))
    }

    /// - Parameter section: What `scanner` found in this content.
    package func read(_ section: HeaderSection, of content: ByteBuffer) -> (wishes: Wishes, problems: [Problem]) {
        var wishes = Wishes()
        var problems: [Problem] = []
        var seen: Set<Meaning> = []
        for field in section.listed {
            let name = Self.text(field.name, of: content, limit: 100)
            // A tag of another node, or of nobody: it goes, as a copied one must not travel, and is no wish.
            if name.lowercased() == Self.reference { continue }
            let value = WishValue(Self.bytes(field.value, of: content))
            func report(_ kind: Problem.Kind, _ expected: String) {
                guard problems.count < 10 else { return }
                problems.append(Problem(kind: kind, field: name, value: value.excerpt, expected: expected))
            }
            guard let meaning = meaning(of: name) else {
                report(.unknownField, "Tenant, Campaign, Pool, Priority, Lifetime or Tag-NAME")
                continue
            }
            if !seen.insert(meaning).inserted {
                report(.repeated, "one such field")
            } else if case .tag = meaning, wishes.tags.count >= Self.maximumTags {
                report(.tooMany, "at most \(Self.maximumTags) tags")
            } else if let expected = Self.set(meaning, to: value, in: &wishes) {
                report(.badValue, expected)
            }
        }
        return (wishes, problems)
    }

    /// Removes the listed fields. The body stays where it is: what precedes a removed field moves up to what follows
    /// it, so the free bytes before the reader index grow.
    package func strip(_ section: HeaderSection, from content: inout ByteBuffer) {
        guard let last = section.listed.last else { return }
        let removed = section.listed.reduce(0) { $0 + $1.whole.count }
        content.withUnsafeMutableReadableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            var (target, keptEnd) = (last.whole.upperBound, last.whole.upperBound)
            for (index, field) in section.listed.enumerated().reversed() {
                keptEnd = field.whole.lowerBound
                let keptStart = index > 0 ? section.listed[index - 1].whole.upperBound : 0
                target -= keptEnd - keptStart
                (base + target).copyMemory(from: base + keptStart, byteCount: keptEnd - keptStart)
            }
        }
        content.moveReaderIndex(forwardBy: removed)
    }

    private func meaning(of name: String) -> Meaning? {
        let folded = name.lowercased()
        return aliases[folded] ?? Meaning(folded.dropFirst(Self.prefix.utf8.count))
    }

    private static func bytes(_ range: Range<Int>, of content: ByteBuffer) -> ByteBufferView {
        content.readableBytesView.dropFirst(range.lowerBound).prefix(range.count)
    }

    private static func text(_ range: Range<Int>, of content: ByteBuffer, limit: Int) -> String {
        String(decoding: bytes(range, of: content).prefix(limit), as: UTF8.self)
    }

    /// - Returns: What would have been right, where the value is not.
    private static func set(_ meaning: Meaning, to value: WishValue, in wishes: inout Wishes) -> String? {
        guard let text = value.text else { return "1 to \(maximumValue) bytes of printable text" }
        switch meaning {
        case .tenant: wishes.tenant = text
        case .campaign: wishes.campaign = text
        case .pool: wishes.pool = text
        case .tag(let name): wishes.tags.append(Wishes.Tag(name: name, value: text))
        case .priority:
            guard let priority = value.number, priority <= 100 else { return "0 to 100" }
            wishes.priority = priority
        case .lifetime:
            guard let lifetime = value.duration else { return "a number with s, m, h, d or w, at most 1 year" }
            wishes.lifetime = lifetime
        }
        return nil
    }
}
