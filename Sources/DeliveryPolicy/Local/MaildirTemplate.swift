package import MailModel

/// Where the Maildir of a mailbox lies: a path in which `{domain}`, `{local}` and `{user}` stand for its parts.
///
/// `{local}` is the local part in lower case, `{user}` what of it comes before a `+`. What a stranger wrote becomes a
/// part of one component and nothing else: it is refused where it could name another place.
package struct MaildirTemplate: Hashable, Sendable, CustomStringConvertible {
    /// Why a template or a mailbox cannot be used.
    package struct Refusal: Error, Equatable {
        package let reason: String
    }

    private enum Piece: Hashable, Sendable {
        case literal(String)
        case placeholder(String)
    }

    /// POSIX allows file systems less, none in use does.
    static let componentLimit = 255
    private static let placeholders = ["domain", "local", "user"]

    package let description: String
    /// The directory that must be there: all before the first placeholder, or around a path without one. Nothing in it
    /// or above it is made unless it leads to a Maildir.
    package let root: String
    private let components: [[Piece]]

    /// Reads `/var/mail/{domain}/{local}`, or the path of one Maildir.
    package init(parsing text: String) throws(Refusal) {
        guard text.hasPrefix("/") else { throw Refusal(reason: "is not an absolute path") }
        var parsed: [[Piece]] = []
        for component in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard !component.isEmpty else { throw Refusal(reason: "has an empty name between or behind slashes") }
            guard component != ".", component != ".." else { throw Refusal(reason: "has a \(component) in it") }
            guard component.utf8.count <= Self.componentLimit else {
                throw Refusal(reason: "has a name longer than \(Self.componentLimit) bytes")
            }
            parsed.append(try Self.pieces(component))
        }
        let isFixed: ([Piece]) -> Bool = { pieces in
            pieces.allSatisfy { if case .literal = $0 { true } else { false } }
        }
        let fixed = min(parsed.prefix(while: isFixed).count, parsed.count - 1)
        guard fixed > 0 else { throw Refusal(reason: "has no directory before its first variable part") }
        description = text
        root = "/" + text.dropFirst().split(separator: "/").prefix(fixed).joined(separator: "/")
        components = Array(parsed.dropFirst(fixed))
    }

    private static func pieces(_ component: Substring) throws(Refusal) -> [Piece] {
        var pieces: [Piece] = []
        var rest = component
        while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            guard rest[open] == "{", let close = rest[open...].firstIndex(of: "}") else {
                throw Refusal(reason: "has a brace without its partner")
            }
            if open > rest.startIndex { pieces.append(.literal(String(rest[..<open]))) }
            let name = String(rest[rest.index(after: open)..<close])
            guard placeholders.contains(name) else {
                throw Refusal(reason: "has an unknown placeholder {\(name)}; known: {domain}, {local}, {user}")
            }
            pieces.append(.placeholder(name))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { pieces.append(.literal(String(rest))) }
        return pieces
    }

    /// - Returns: The names below `root` that lead to the Maildir; one or more.
    package func names(for mailbox: Mailbox) throws(Refusal) -> [String] {
        let local = mailbox.localPart.lowercased()
        var names: [String] = []
        for component in components {
            var name = ""
            for piece in component {
                switch piece {
                case .literal(let text): name += text
                case .placeholder("domain"): name += try Self.checked(mailbox.domain.name, "the domain")
                case .placeholder("user"):
                    name += try Self.checked(String(local.prefix { $0 != "+" }), "the local part before \"+\"")
                case .placeholder: name += try Self.checked(local, "the local part")
                }
            }
            guard name.utf8.count <= Self.componentLimit else {
                throw Refusal(reason: "the address makes a file name longer than \(Self.componentLimit) bytes")
            }
            names.append(name)
        }
        return names
    }

    /// Refuses what is no plain file name: it would lead out of its directory, or hide in it.
    private static func checked(_ value: String, _ what: String) throws(Refusal) -> String {
        func refuse(_ reason: String) -> Refusal { Refusal(reason: "\(what) \(reason), so it has no mailbox here") }
        if value.isEmpty { throw refuse("is empty") }
        if value.utf8.contains(UInt8(ascii: "/")) { throw refuse("has a slash") }
        if value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) { throw refuse("has a control character") }
        if value.utf8.first == UInt8(ascii: ".") { throw refuse("begins with a dot") }
        var previous: UInt8 = 0
        for byte in value.utf8 {
            if byte == UInt8(ascii: "."), previous == byte { throw refuse("has two dots in a row") }
            previous = byte
        }
        return value
    }
}
