import NIOCore
import SMTPProtocol

/// A message under way.
struct LoadTransaction {
    let message: LoadMessage
    let octets: Int
    let start: Int64
    /// The last reply before the content.
    var envelopeEnd: Int64 = 0
    /// The first octet of the content was handed over.
    var contentStart: Int64 = 0
    var isMailAccepted = false
    /// Replies to RCPT that came.
    var answered = 0
    var refused: [Int] = []
    var failure: LoadFailure?

    var hasRecipient: Bool { answered > refused.count }
}

/// What became of a message.
package struct LoadOutcome: Equatable, Sendable {
    package var message: LoadMessage
    package var octets: Int
    /// Recipients that were refused, if the message was not.
    package var refused: [Int]
    /// `nil` where the message was accepted for one recipient or more.
    package var failure: LoadFailure?
    /// The first refusal of a recipient, whatever became of the message.
    package var recipientFailure: LoadFailure?
    /// Nanoseconds: MAIL until the last reply before the content; first octet of the content until its reply; both.
    package var envelope: Int64
    package var content: Int64
    package var transaction: Int64
}

extension LoadSession {
    /// The command after RCPT.
    mutating func writeLast(_ now: Int64, _ out: inout ByteBuffer) {
        guard options.chunking else {
            out.writeStaticString("DATA\r\n")
            return
        }
        out.writeStaticString("BDAT ")
        out.writeDecimal(transaction?.octets ?? 0)
        out.writeStaticString(" LAST\r\n")
        transaction?.contentStart = now
        hasContentToSend = true
    }

    mutating func receivedInTransaction(_ reply: WireReply, _ now: Int64, _ out: inout ByteBuffer) -> Action? {
        switch step {
        case .mail: return receivedMAIL(reply, now, &out)
        case .rcpt: return receivedRCPT(reply, now, &out)
        case .data: return receivedDATA(reply, now, &out)
        case .content: return receivedLast(reply, now, &out)
        default:
            guard reply.isPositive else { return close(Self.refusal(.reset, reply)) }
            return finish(now)
        }
    }

    private mutating func receivedMAIL(_ reply: WireReply, _ now: Int64, _ out: inout ByteBuffer) -> Action? {
        if reply.isPositive { transaction?.isMailAccepted = true } else { fail(Self.refusal(.mail, reply)) }
        guard isPipelined || reply.isPositive else { return finish(now) }
        step = .rcpt
        if !isPipelined, let transaction { plan.writeRcpt(transaction.message, 0, into: &out) }
        return nil
    }

    private mutating func receivedRCPT(_ reply: WireReply, _ now: Int64, _ out: inout ByteBuffer) -> Action? {
        guard let index = transaction?.answered, let message = transaction?.message else { return nil }
        if !reply.isPositive {
            transaction?.refused.append(index)
            fail(Self.refusal(.rcpt, reply))
        }
        transaction?.answered = index + 1
        if index + 1 < message.domains.count {
            if !isPipelined { plan.writeRcpt(message, index + 1, into: &out) }
            return nil
        }
        transaction?.envelopeEnd = now
        if !isPipelined {
            guard transaction?.hasRecipient == true else { return reset(&out) }
            writeLast(now, &out)
        }
        step = options.chunking ? .content : .data
        return nil
    }

    private mutating func receivedDATA(_ reply: WireReply, _ now: Int64, _ out: inout ByteBuffer) -> Action? {
        guard reply.code == 354 else {
            fail(Self.refusal(.data, reply), anyway: transaction?.hasRecipient == true)
            return transaction?.isMailAccepted == true ? reset(&out) : finish(now)
        }
        transaction?.envelopeEnd = now
        transaction?.contentStart = now
        step = .content
        if transaction?.hasRecipient == true { return .content }
        // RFC 2920 §3.1: a server may answer 354 with no recipient; then the content is a lone dot.
        out.writeStaticString(".\r\n")
        return nil
    }

    private mutating func receivedLast(_ reply: WireReply, _ now: Int64, _ out: inout ByteBuffer) -> Action? {
        let hasRecipient = transaction?.hasRecipient == true
        if !reply.isPositive { fail(Self.refusal(.content, reply), anyway: hasRecipient) }
        // After the final dot nothing is open (RFC 5321 §4.1.1.4); a BDAT that was refused may leave the envelope.
        if options.chunking, !reply.isPositive, transaction?.isMailAccepted == true { return reset(&out) }
        return finish(now)
    }

    private mutating func reset(_ out: inout ByteBuffer) -> Action? {
        out.writeStaticString("RSET\r\n")
        step = .reset
        return nil
    }

    /// - Parameter anyway: The refusal of a recipient gives way to that of the message.
    private mutating func fail(_ failure: LoadFailure, anyway: Bool = false) {
        if anyway || transaction?.failure == nil { transaction?.failure = failure }
    }

    private mutating func finish(_ now: Int64) -> Action? {
        guard let done = transaction else { return nil }
        transaction = nil
        step = .idle
        let isOneRefused = done.failure?.stage == .rcpt
        let isAccepted = done.failure == nil || isOneRefused && done.hasRecipient
        return .finished(
            LoadOutcome(
                message: done.message, octets: done.octets, refused: isAccepted ? done.refused : [],
                failure: isAccepted ? nil : done.failure, recipientFailure: isOneRefused ? done.failure : nil,
                envelope: done.envelopeEnd - done.start, content: now - done.contentStart,
                transaction: now - done.start))
    }
}
