/// First digit of a reply code, which is also the class of an enhanced status code (RFC 3463 §2).
package enum ReplyClass: UInt8, Sendable {
    case positive = 2, intermediate = 3, transient = 4, permanent = 5
}

/// Reply of an SMTP or LMTP server (RFC 5321 §4.2) with its enhanced status code (RFC 3463).
///
/// The enhanced code's class is the reply code's first digit, so the two cannot disagree.
package struct Reply: Hashable, Sendable {
    /// 200–599.
    package let code: UInt16
    package let detail: StatusDetail?
    /// Without codes; lines of a multi-line reply joined by `\n`.
    package let text: String

    /// - Parameter code: 200–599; another value is a bug of the caller.
    package init(_ code: UInt16, _ detail: StatusDetail? = nil, _ text: String) {
        precondition((200...599).contains(code), "reply code \(code)")
        self.code = code
        self.detail = detail
        self.text = text
    }

    package var replyClass: ReplyClass { ReplyClass(rawValue: UInt8(code / 100)) ?? .permanent }
    package var isPositive: Bool { replyClass == .positive }

    /// `5.1.1`; `nil` where there is none.
    package var enhanced: String? { detail.map { "\(code / 100).\($0.subject).\($0.detail)" } }
}

/// Subject and detail of an enhanced status code (RFC 3463 §3): the `1.1` of `5.1.1`.
package struct StatusDetail: Hashable, Sendable {
    package let subject: UInt16
    package let detail: UInt16
    package init(_ subject: UInt16, _ detail: UInt16) { (self.subject, self.detail) = (subject, detail) }
}

extension Reply: CustomStringConvertible {
    package var description: String {
        let lines = text.replacing("\n", with: " ")
        return if let enhanced { "\(code) \(enhanced) \(lines)" } else { "\(code) \(lines)" }
    }
}
