package import MailModel

/// What a table says of a client, sender or recipient (access(5)).
package enum AccessAction: Equatable, Sendable {
    /// No further table of access is asked about this address. Never a right to relay.
    case ok
    /// Goes on as if the key were not there.
    case dunno
    /// The mail is taken and thrown away.
    case discard
    case refuse(Reply)

    /// Reads the right side of an access table.
    ///
    /// - Returns: What is wrong with it, as the end of a sentence that begins with it.
    package static func parse(_ text: String) -> Result<AccessAction, Refusal> {
        let (word, rest) = split(text)
        let upper = word.uppercased()
        if upper.count == 3, let code = UInt16(upper), code >= 400 { return reply(code, rest) }
        // Any other number is what `OK` is: tables made by pop-before-smtp have them.
        if !upper.isEmpty, upper.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return .success(.ok) }
        switch upper {
        case "OK": return .success(.ok)
        case "DUNNO": return .success(.dunno)
        case "DISCARD": return .success(.discard)
        case "REJECT": return .success(.refuse(made(554, rest, "Access denied")))
        case "DEFER": return .success(.refuse(made(450, rest, "Try again later")))
        case "RELAY":
            return .failure(
                Refusal("grants relaying, which access tables of Apus cannot; use relay_from of a listener"))
        case let other where other.hasPrefix("ERROR:"):
            return error(String(text.dropFirst(6)))
        default:
            return .failure(
                Refusal(
                    "is no action that Apus knows; allowed: OK, REJECT, DEFER, DISCARD, DUNNO, a number, or a reply as "
                        + "\"550 5.7.1 text\""))
        }
    }

    package struct Refusal: Error, Equatable {
        package let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    private static func reply(_ code: UInt16, _ rest: String) -> Result<AccessAction, Refusal> {
        guard code < 600 else { return .failure(Refusal("has the reply code \(code); allowed: 400 to 599")) }
        let (word, _) = split(rest)
        if let first = word.utf8.first, EnhancedCode(word) != nil, first != UInt8(ascii: "0") + UInt8(code / 100) {
            return .failure(Refusal("has an enhanced status code of another class than its reply code (RFC 3463 §2)"))
        }
        return .success(.refuse(made(code, rest, code < 500 ? "Try again later" : "Access denied")))
    }

    /// `ERROR:550 text`, `ERROR:5.7.1:550 text` of Sendmail.
    private static func error(_ text: String) -> Result<AccessAction, Refusal> {
        let parts = text.trimmingQuotes.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, EnhancedCode(String(parts[0])) != nil {
            let (word, rest) = split(parts[1].trimmingQuotes)
            guard let code = UInt16(word), (400..<600).contains(code) else {
                return .failure(Refusal("has no reply code of 400 to 599"))
            }
            return reply(code, "\(parts[0]) \(rest)")
        }
        let (word, rest) = split(text.trimmingQuotes)
        guard let code = UInt16(word), (400..<600).contains(code) else {
            return .failure(Refusal("has no reply code of 400 to 599"))
        }
        return reply(code, rest)
    }

    /// - Parameter text: May begin with an enhanced status code.
    private static func made(_ code: UInt16, _ text: String, _ standard: String) -> Reply {
        let (word, rest) = split(text)
        let detail = EnhancedCode(word)?.detail
        let said = detail == nil ? text : rest
        return Reply(code, detail ?? StatusDetail(7, 1), said.isEmpty ? standard : said)
    }

    private static func split(_ text: String) -> (word: String, rest: String) {
        let word = text.prefix { $0 != " " && $0 != "\t" }
        return (String(word), text.dropFirst(word.count).trimmingBlanks)
    }
}

/// `5.7.1`
private struct EnhancedCode {
    let detail: StatusDetail

    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "2" || parts[0] == "4" || parts[0] == "5",
            parts.allSatisfy({ (1...3).contains($0.utf8.count) && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let subject = UInt16(parts[1]), let detail = UInt16(parts[2])
        else { return nil }
        self.detail = StatusDetail(subject, detail)
    }
}

extension StringProtocol {
    fileprivate var trimmingQuotes: String {
        let text = trimmingBlanks
        return text.count >= 2 && text.hasPrefix("\"") && text.hasSuffix("\"")
            ? String(text.dropFirst().dropLast()).trimmingBlanks : text
    }
}
