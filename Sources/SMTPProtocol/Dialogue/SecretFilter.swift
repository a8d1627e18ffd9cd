/// Takes secrets out of a dialogue that somebody watches, line by line.
///
/// Of an authentication only its mechanism is shown (RFC 4954 §4): the initial response, the challenges and the client's
/// answers to them carry passwords or what stands for one. A login in XCLIENT goes as well.
package struct SecretFilter: Sendable {
    private static let removed = "…"

    /// AUTH was said, and its final reply has not come.
    private var isAuthenticating = false

    package init() {}

    package mutating func sent(_ line: String) -> String {
        // "*" cancels (RFC 4954 §4) and is no secret.
        if isAuthenticating { return line == "*" ? line : Self.removed }
        let words = line.split(separator: " ", omittingEmptySubsequences: true)
        switch words.first?.uppercased() {
        case "AUTH":
            isAuthenticating = true
            guard words.count > 1 else { return "AUTH" }
            // A client that got the order wrong has put its secret where the mechanism belongs.
            let mechanism = Self.isMechanism(words[1]) ? words[1] : Substring(Self.removed)
            return "AUTH \(mechanism)" + (words.count > 2 ? " \(Self.removed)" : "")
        case "XCLIENT":
            return words.map { word in
                word.uppercased().hasPrefix("LOGIN=") ? "\(word.prefix(6))\(Self.removed)" : String(word)
            }.joined(separator: " ")
        default: return line
        }
    }

    package mutating func received(_ line: String) -> String {
        guard isAuthenticating else { return line }
        if line.hasPrefix("334") { return "334 \(Self.removed)" }
        // The last line of any other reply ends the exchange.
        if line.dropFirst(3).first != "-" { isAuthenticating = false }
        return line
    }

    /// `sasl-mech` of RFC 4422 §3.1.
    private static func isMechanism(_ word: Substring) -> Bool {
        (1...20).contains(word.utf8.count)
            && word.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
