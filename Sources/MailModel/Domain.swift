internal import CIDN2

/// Domain of a mailbox or host: lower-case A-labels, or an address literal with its brackets (RFC 5321 §4.1.3).
package struct Domain: Hashable, Sendable, CustomStringConvertible {
    package let name: String

    /// - Parameter canonical: A name already in lower-case A-labels, as `init(normalizing:)` gives it.
    package init(canonical: String) { name = canonical }

    /// Reads what a peer or a file wrote: folds case, turns U-labels into A-labels (RFC 5891), drops a final dot.
    ///
    /// - Returns: `nil` for empty labels, labels over 63 bytes, names over 253, and what IDNA refuses.
    package init?(normalizing text: String) {
        var text = Substring(text)
        if text.utf8.first == UInt8(ascii: "["), text.utf8.last == UInt8(ascii: "]") {
            guard text.utf8.count <= 64, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
            name = text.lowercased()
            return
        }
        if text.utf8.last == UInt8(ascii: ".") { text.removeLast() }
        let ascii = text.utf8.allSatisfy { $0 < 0x80 } ? text.lowercased() : Self.aLabels(String(text))
        guard let ascii, Self.isHostName(ascii) else { return nil }
        name = ascii
    }

    package var isAddressLiteral: Bool { name.utf8.first == UInt8(ascii: "[") }
    package var description: String { name }

    /// Underscores are let through: they are no host names, but mail to them exists.
    private static func isHostName(_ name: String) -> Bool {
        guard !name.isEmpty, name.utf8.count <= 253 else { return false }
        var length = 0
        var previous = UInt8(ascii: ".")
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "."):
                guard length > 0, previous != UInt8(ascii: "-") else { return false }
                length = 0
            case UInt8(ascii: "-"):
                guard length > 0 else { return false }
                length += 1
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                length += 1
            default: return false
            }
            guard length <= 63 else { return false }
            previous = byte
        }
        return length > 0 && previous != UInt8(ascii: "-")
    }

    private static func aLabels(_ text: String) -> String? {
        var output: UnsafeMutablePointer<CChar>?
        let flags = Int32(IDN2_NONTRANSITIONAL.rawValue) | Int32(IDN2_NFC_INPUT.rawValue)
        guard idn2_to_ascii_8z(text, &output, flags) == Int32(IDN2_OK.rawValue), let output else { return nil }
        defer { idn2_free(output) }
        return String(cString: output)
    }
}
