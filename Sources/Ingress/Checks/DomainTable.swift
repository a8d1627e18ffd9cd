import MailModel

/// Set of domains that is asked with the bytes of a command, without making a `String` of them.
struct DomainTable: Sendable {
    private var names: [UInt64: [[UInt8]]] = [:]

    init(_ domains: [Domain]) {
        for domain in domains {
            let bytes = Array(domain.name.utf8)
            names[Self.hash(bytes.span), default: []].append(bytes)
        }
    }

    /// - Parameter domain: As the client wrote it, in any case; names beyond ASCII have to be A-labels.
    func contains(_ domain: Span<UInt8>) -> Bool {
        guard let candidates = names[Self.hash(domain)] else { return false }
        return candidates.contains { candidate in
            guard candidate.count == domain.count else { return false }
            for index in candidate.indices where candidate[index] != Self.folded(domain[index]) { return false }
            return true
        }
    }

    /// FNV-1a over the bytes in lower case.
    private static func hash(_ bytes: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in bytes.indices { hash = (hash ^ UInt64(folded(bytes[index]))) &* 0x100_0000_01B3 }
        return hash
    }

    private static func folded(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }
}
