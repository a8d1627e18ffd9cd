/// Why a message got no positive reply.
package struct LoadFailure: Equatable, Sendable {
    /// Where in the session.
    package enum Stage: Int, Sendable, CaseIterable {
        case connect, greeting, ehlo, starttls, mail, rcpt, data, content, reset, quit

        package var name: String { "\(self)" }
    }

    package enum Kind: Equatable, Sendable {
        /// A reply of class 4 or 5, or 421.
        case reply(UInt16)
        case timeout
        case lost
        case refused
        /// No connection for another reason; the handshake failed; no reply that can be read; an extension missing.
        case unreachable, tls, violation, missing
        /// The run was ended.
        case interrupted

        var name: String {
            switch self {
            case .reply(let code): "\(code)"
            case .timeout: "timeout"
            case .lost: "connection lost"
            case .refused: "connection refused"
            case .unreachable: "unreachable"
            case .tls: "handshake failed"
            case .violation: "protocol violation"
            case .missing: "extension missing"
            case .interrupted: "interrupted"
            }
        }
    }

    package var stage: Stage
    package var kind: Kind
    package var text: String

    package init(_ stage: Stage, _ kind: Kind, _ text: String) {
        (self.stage, self.kind, self.text) = (stage, kind, text)
    }

    /// `rcpt 450`: what errors are counted by.
    package var name: String { "\(stage.name) \(kind.name)" }
}

/// Replies by stage and code.
package struct ReplyCounts: Sendable {
    private static let codes = 400
    private var counts = [Int](repeating: 0, count: LoadFailure.Stage.allCases.count * codes)

    package init() {}

    /// - Parameter code: 200 to 599, as `ReplyParser` gives it.
    mutating func add(_ stage: LoadFailure.Stage, _ code: UInt16) {
        counts[stage.rawValue * Self.codes + Int(code) - 200] += 1
    }

    package mutating func add(_ other: ReplyCounts) {
        for index in counts.indices { counts[index] += other.counts[index] }
    }

    /// In the order of the session.
    package var list: [(stage: LoadFailure.Stage, code: Int, count: Int)] {
        LoadFailure.Stage.allCases.flatMap { stage in
            (0..<Self.codes).compactMap { code in
                let count = counts[stage.rawValue * Self.codes + code]
                return count > 0 ? (stage, code + 200, count) : nil
            }
        }
    }
}
