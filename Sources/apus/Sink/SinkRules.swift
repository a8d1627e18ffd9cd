import ArgumentParser
import MailModel
import NIOCore
import SMTPProtocol

/// Where a failure is answered.
enum SinkStage: String, CaseIterable, ExpressibleByArgument { case connect, rcpt, data }

/// What the sink answers, and how late. Holds no state; chance comes from the system.
struct SinkRules: Sendable {
    struct Answer {
        var reply: Reply
        var delay: TimeAmount?
    }

    /// `nil` where each kind of failure takes its own place: shares and recipients at RCPT, `reply` at the final dot.
    var failAt: SinkStage?
    /// 0 to 1, of what is answered at `failAt`; their sum is 1 at most.
    var temporaryShare = 0.0
    var permanentShare = 0.0
    /// Instead of the positive reply, to everything.
    var reply: Reply?
    var delay: TimeAmount?
    /// Delay for `slow@`.
    var slowDelay = TimeAmount.seconds(10)
    /// Whether local parts such as `bounce` have their meaning.
    var readsRecipients = true

    private static let accepted = Reply(250, StatusDetail(0, 0), "Ok, thrown away")

    /// The refusal of a connection, where all is refused there.
    var connectionRefusal: Reply? {
        guard failAt == .connect else { return nil }
        if let reply { return reply.code == 421 || reply.code >= 500 ? reply : Reply(421, reply.detail, reply.text) }
        // RFC 5321 §3.1 knows these two.
        return drawnFailure().map { Reply($0.code < 500 ? 421 : 554, StatusDetail(3, 2), "Simulated failure") }
    }

    func verdict(_ localPart: Span<UInt8>) -> RecipientVerdict {
        guard failAt != .data else { return .accept }
        if readsRecipients, let meaning = SinkRecipient(localPart) {
            return meaning.failure.map { .refuse($0) } ?? .accept
        }
        guard failAt != .connect else { return .accept }
        if failAt == .rcpt, let reply, !reply.isPositive {
            // Replies to RCPT are written without an allocation, so their text is fixed.
            return .refuse(ServerReply(reply.code, reply.detail, "As the sink was told"))
        }
        return drawnFailure().map { .refuse($0) } ?? .accept
    }

    /// The answer to the final dot.
    func answer(to recipients: [Recipient]) -> Answer {
        var answer = Answer(reply: Self.accepted, delay: delay)
        var isExempt = false
        if readsRecipients {
            for recipient in recipients {
                let local = recipient.mailbox.localPart
                guard let meaning = SinkRecipient(local.utf8.span) else { continue }
                isExempt = true
                if meaning == .slow { answer.delay = slowDelay }
                if meaning == .close { answer.reply = Reply(421, StatusDetail(3, 2), "Simulated end of the session") }
                if failAt == .data, let failure = meaning.failure { answer.reply = Reply(failure) }
            }
        }
        guard !isExempt else { return answer }
        if let reply, failAt == nil || failAt == .data || reply.isPositive { answer.reply = reply }
        if failAt == .data, answer.reply.isPositive, let failure = drawnFailure() { answer.reply = Reply(failure) }
        return answer
    }

    private func drawnFailure() -> ServerReply? {
        guard temporaryShare + permanentShare > 0 else { return nil }
        let drawn = Double.random(in: 0..<1)
        if drawn < temporaryShare { return SinkRecipient.deferred.failure }
        return drawn < temporaryShare + permanentShare ? SinkRecipient.bounce.failure : nil
    }
}

/// What the local part of a recipient asks the sink to do, whatever follows a `+`: `bounce+label@` is `bounce@`.
enum SinkRecipient: Equatable {
    case success, bounce, deferred, slow, close
    /// `anything+450@`.
    case code(UInt16)

    /// - Parameter localPart: Without quotes; case does not matter.
    init?(_ localPart: Span<UInt8>) {
        var base = localPart.count
        for index in localPart.indices where localPart[index] == UInt8(ascii: "+") {
            base = index
            break
        }
        switch base {
        case 4 where Self.equal(localPart, "slow"): self = .slow
        case 5 where Self.equal(localPart, "defer"): self = .deferred
        case 5 where Self.equal(localPart, "close"): self = .close
        case 6 where Self.equal(localPart, "bounce"): self = .bounce
        case 7 where Self.equal(localPart, "success"): self = .success
        default:
            guard base < localPart.count, let code = Self.code(localPart) else { return nil }
            self = .code(code)
        }
    }

    var failure: ServerReply? {
        switch self {
        case .success, .slow, .close: nil
        case .bounce: ServerReply(550, StatusDetail(1, 1), "No such mailbox, says the sink")
        case .deferred: ServerReply(450, StatusDetail(2, 1), "Mailbox busy, says the sink")
        case .code(let code): ServerReply(code, Self.detail(of: code), "Simulated failure")
        }
    }

    /// Detail that goes with a code more often than others.
    private static func detail(of code: UInt16) -> StatusDetail {
        switch code {
        case 421: StatusDetail(3, 2)
        case 450: StatusDetail(2, 1)
        case 452, 552: StatusDetail(2, 2)
        case 550: StatusDetail(1, 1)
        case 553: StatusDetail(1, 3)
        case 554: StatusDetail(7, 1)
        default: StatusDetail(0, 0)
        }
    }

    /// Three digits, 400 to 599, at the end after a `+`.
    private static func code(_ localPart: Span<UInt8>) -> UInt16? {
        let start = localPart.count - 3
        guard start > 0, localPart[start - 1] == UInt8(ascii: "+") else { return nil }
        var code: UInt16 = 0
        for index in start..<localPart.count {
            guard localPart[index] &- 0x30 < 10 else { return nil }
            code = code * 10 + UInt16(localPart[index] - 0x30)
        }
        return (400...599).contains(code) ? code : nil
    }

    /// Whether the local part begins with `word`, which is in lower case.
    private static func equal(_ localPart: Span<UInt8>, _ word: StaticString) -> Bool {
        for index in 0..<word.utf8CodeUnitCount where localPart[index] | 0x20 != word.utf8Start[index] { return false }
        return true
    }
}
