/// Lines of a peer as people may see them: what a terminal would act on is written out.
package enum DialogueText {
    /// Octets of a line that are shown; a reply line may have 4,096.
    package static let limit = 2000

    /// Escapes control characters, what reorders or hides text, and the backslash that marks an escape; a line that is
    /// too long ends in its length.
    ///
    /// A reply is written by a stranger: ESC and the C1 controls would move the cursor, change the title or answer in
    /// our name, and bidirectional controls show another text than the one that came.
    package static func visible(_ text: String) -> String {
        var result = ""
        var length = 0
        for scalar in text.unicodeScalars {
            length += UTF8.width(scalar)
            guard length <= limit else { return "\(result)… (\(text.utf8.count) octets)" }
            switch scalar {
            case "\\": result += "\\\\"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            case "\n": result += "\\n"
            case _ where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value):
                result += "\\x" + (scalar.value < 0x10 ? "0" : "") + String(scalar.value, radix: 16, uppercase: true)
            case _ where isInvisible(scalar):
                result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.value >= 0x80 else { return false }
        switch scalar.properties.generalCategory {
        case .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: return true
        default: return false
        }
    }
}
