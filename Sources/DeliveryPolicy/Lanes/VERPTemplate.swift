package import MailModel

/// How the reverse-path of a recipient is made of its address (variable envelope return path): a bounce then names the
/// recipient by where it comes back to.
///
/// `{local}={domain}` is the encoding of Postfix and ezmlm: the recipient's domain follows the last `=`.
package struct VERPTemplate: Equatable, Sendable {
    package enum Place: String, CaseIterable, Sendable {
        /// Of the recipient.
        case local, domain
        case queueID = "queue_id"
        /// Place among the recipients of the message.
        case index
        /// Of the message's own reverse-path.
        case senderLocal = "sender_local"
        case senderDomain = "sender_domain"
    }

    package struct Problem: Error, Equatable {
        package let reason: String
    }

    private enum Piece: Equatable {
        case text(String)
        case place(Place)
    }

    /// What Postfix does without being told otherwise.
    package static let postfix = "{sender_local}+{local}={domain}@{sender_domain}"
    /// RFC 5321 §4.5.3.1.1, and §4.5.3.1.3 less the angle brackets.
    static let localLimit = 64
    static let addressLimit = 254

    package let text: String
    private let localPart: [Piece]
    private let domain: [Piece]

    /// - Parameter text: `bounce+{queue_id}={local}={domain}@bounces.example.org`; `postfix` for its default.
    package init(parsing given: String) throws(Problem) {
        text = given == "postfix" ? Self.postfix : given
        let halves = text.split(separator: "@", omittingEmptySubsequences: false)
        guard halves.count == 2, !halves[0].isEmpty else { throw Problem(reason: "is no address with one @") }
        localPart = try Self.pieces(halves[0])
        domain = try Self.pieces(halves[1])
        let places = Set(localPart.compactMap { if case .place(let place) = $0 { place } else { nil } })
        guard places.isSuperset(of: [.local, .domain]) || places.isSuperset(of: [.queueID, .index]) else {
            throw Problem(
                reason:
                    "does not tell recipients apart: its local part needs {local} and {domain}, or {queue_id} and {index}"
            )
        }
        guard domain == [.place(.senderDomain)] || Self.isDomain(domain) else {
            throw Problem(reason: "has no domain after the @: a name, or {sender_domain} alone")
        }
        for case .text(let literal) in localPart where !literal.utf8.allSatisfy(Self.isAtomByte) {
            throw Problem(reason: "has \"\(literal)\" in its local part, which would need quotes")
        }
    }

    /// - Returns: `nil` where it would be longer than any host has to take.
    package func reversePath(
        of recipient: Mailbox, index: Int, queueID: QueueID, sender: Mailbox
    ) -> Mailbox? {
        func fill(_ pieces: [Piece]) -> String {
            var result = ""
            for piece in pieces {
                switch piece {
                case .text(let text): result += text
                case .place(.local): result += recipient.localPart
                case .place(.domain): result += recipient.domain.name
                case .place(.queueID): result += queueID.description
                case .place(.index): result += String(index)
                case .place(.senderLocal): result += sender.localPart
                case .place(.senderDomain): result += sender.domain.name
                }
            }
            return result
        }
        let name = domain == [.place(.senderDomain)] ? sender.domain : Domain(canonical: fill(domain))
        let path = Mailbox(localPart: fill(localPart), domain: name)
        // As it is written, with quotes where it needs them.
        let length = path.description.utf8.count
        guard length <= Self.addressLimit, length - name.name.utf8.count - 1 <= Self.localLimit else { return nil }
        return path
    }

    private static func pieces(_ text: Substring) throws(Problem) -> [Piece] {
        var pieces: [Piece] = []
        var rest = text
        while !rest.isEmpty {
            let literal = rest.prefix { $0 != "{" && $0 != "}" }
            if !literal.isEmpty { pieces.append(.text(String(literal))) }
            rest = rest[literal.endIndex...]
            guard let brace = rest.first else { break }
            guard brace == "{", let end = rest.firstIndex(of: "}") else {
                throw Problem(reason: "has a brace without its other half")
            }
            let name = rest[rest.index(after: rest.startIndex)..<end]
            guard let place = Place(rawValue: String(name)) else {
                let known = Place.allCases.map { "{\($0.rawValue)}" }.joined(separator: " ")
                throw Problem(reason: "has {\(name)}, which is none of \(known)")
            }
            pieces.append(.place(place))
            rest = rest[rest.index(after: end)...]
        }
        return pieces
    }

    private static func isDomain(_ pieces: [Piece]) -> Bool {
        guard pieces.count == 1, case .text(let name) = pieces[0], let domain = Domain(normalizing: name) else {
            return false
        }
        return !domain.isAddressLiteral && domain.name == name.lowercased()
    }

    /// RFC 5321 §4.1.2, and the dot.
    private static func isAtomByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-/=?^_`|~.".utf8.contains(byte)
        }
    }
}
