import MailModel

/// Reply codes with wildcards: `550`, `55x`, `5xx`.
package struct ReplyCodePattern: Hashable, Sendable, CustomStringConvertible {
    private let range: ClosedRange<UInt16>
    package let description: String

    /// - Returns: `nil` for a text that is no code of a refusal (4xx, 5xx) with `x` for its last digits.
    package init?(_ text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 3, digits[0] == UInt8(ascii: "4") || digits[0] == UInt8(ascii: "5") else { return nil }
        var (low, high): (UInt16, UInt16) = (0, 0)
        var isOpen = false
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9") where !isOpen:
                let value = UInt16(digit - UInt8(ascii: "0"))
                (low, high) = (low * 10 + value, high * 10 + value)
            case UInt8(ascii: "x"):
                isOpen = true
                (low, high) = (low * 10, high * 10 + 9)
            default: return nil
            }
        }
        range = low...high
        description = text
    }

    func matches(_ code: UInt16) -> Bool { range.contains(code) }
}

/// Enhanced status codes with wildcards: `5.1.1`, `5.7.x`, `x.2.2` (RFC 3463 §2).
package struct EnhancedCodePattern: Hashable, Sendable, CustomStringConvertible {
    private let replyClass: UInt16?
    /// `nil` for any.
    package let subject: UInt16?
    private let detail: UInt16?

    /// - Returns: `nil` for a text that is not class 4, 5 or x, subject and detail.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let replyClass = Self.number(parts[0]), let subject = Self.number(parts[1]),
            let detail = Self.number(parts[2]), replyClass ?? 4 == 4 || replyClass == 5
        else { return nil }
        (self.replyClass, self.subject, self.detail) = (replyClass, subject, detail)
    }

    package var description: String {
        [replyClass, subject, detail].map { $0.map { "\($0)" } ?? "x" }.joined(separator: ".")
    }

    func matches(_ reply: Reply) -> Bool {
        guard let status = reply.detail else { return false }
        return (replyClass ?? reply.code / 100) == reply.code / 100 && (subject ?? status.subject) == status.subject
            && (detail ?? status.detail) == status.detail
    }

    /// The number, `.some(nil)` for `x`, `nil` for anything else.
    private static func number(_ text: Substring) -> UInt16?? {
        if text == "x" { return .some(nil) }
        guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let value = UInt16(text)
        else { return nil }
        return value
    }
}
