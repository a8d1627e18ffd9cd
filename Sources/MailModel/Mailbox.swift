/// Address of one mailbox (RFC 5321 §4.1.2), quoted local parts without their quotes.
package struct Mailbox: Hashable, Sendable {
    /// As the originator wrote it: its case belongs to the domain that hosts it (RFC 5321 §2.4).
    package let localPart: String
    package let domain: Domain

    package init(localPart: String, domain: Domain) { (self.localPart, self.domain) = (localPart, domain) }

    /// Reads `local@domain`, the local part quoted or not. For configuration, commands and stored records.
    package init?(_ text: String) {
        guard let at = text.utf8.lastIndex(of: UInt8(ascii: "@")),
            let domain = Domain(normalizing: String(text[text.index(after: at)...]))
        else { return nil }
        let local = text[..<at]
        guard !local.isEmpty, local.utf8.count <= 256, let unquoted = Self.unquote(local) else { return nil }
        self.init(localPart: unquoted, domain: domain)
    }

    /// Whether the local part or domain needs SMTPUTF8 (RFC 6531).
    package var needsSMTPUTF8: Bool { localPart.utf8.contains { $0 >= 0x80 } }

    private static func unquote(_ local: Substring) -> String? {
        guard local.utf8.first == UInt8(ascii: "\"") else {
            return local.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") } ? String(local) : nil
        }
        var bytes: [UInt8] = []
        var escaped = false
        for byte in local.utf8.dropFirst().dropLast() {
            if byte < 0x20 || byte == 0x7F { return nil }
            if !escaped && byte == UInt8(ascii: "\\") { escaped = true; continue }
            if !escaped && byte == UInt8(ascii: "\"") { return nil }
            bytes.append(byte)
            escaped = false
        }
        guard local.utf8.count >= 2, local.utf8.last == UInt8(ascii: "\""), !escaped else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Mailbox: CustomStringConvertible {
    /// `local@domain`, the local part quoted where it is no dot-string.
    package var description: String {
        if Self.isDotString(localPart) { return "\(localPart)@\(domain.name)" }
        var quoted = "\""
        for character in localPart.unicodeScalars {
            if character == "\"" || character == "\\" { quoted.append("\\") }
            quoted.unicodeScalars.append(character)
        }
        return "\(quoted)\"@\(domain.name)"
    }

    private static func isDotString(_ text: String) -> Bool {
        var previous = UInt8(ascii: ".")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "."):
                if previous == byte { return false }
            case 0x00...0x20, 0x7F: return false
            case UInt8(ascii: "\""), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: ","), UInt8(ascii: ":"),
                UInt8(ascii: ";"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "@"), UInt8(ascii: "["),
                UInt8(ascii: "]"), UInt8(ascii: "\\"):
                return false
            default: break
            }
            previous = byte
        }
        return previous != UInt8(ascii: ".")
    }
}

/// Where failure notices go (RFC 5321 §4.5.5): a mailbox, or nowhere.
package enum ReversePath: Hashable, Sendable, CustomStringConvertible {
    case null
    case mailbox(Mailbox)

    package var mailbox: Mailbox? {
        if case .mailbox(let mailbox) = self { mailbox } else { nil }
    }

    /// Without angle brackets; empty for the null reverse-path.
    package var description: String { mailbox.map(\.description) ?? "" }

    /// - Parameter text: A mailbox, or the empty string for the null reverse-path.
    package init?(_ text: String) {
        if text.isEmpty { self = .null; return }
        guard let mailbox = Mailbox(text) else { return nil }
        self = .mailbox(mailbox)
    }
}
