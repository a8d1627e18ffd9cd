import MailModel
package import NIOCore
import SMTPProtocol

/// Client side of one SMTP session of a load test: replies in, commands and actions out. Does no I/O and asks no clock.
///
/// `ClientSession` speaks for a sender and hides what a measurement is about: when each part of a transaction was
/// over, lockstep where PIPELINING is offered, and BDAT. So this one is a dialogue of its own, without a sender's
/// cares: no SMTPUTF8, no LMTP, no HELO.
///
/// The owner calls `next` after `begin` and after each read until it says `wait`. A message that was begun ends in one
/// `finished`, or in a `close`.
package struct LoadSession {
    package enum Pipelining: Sendable { case ifOffered, required, never }

    package struct Options: Sendable {
        package var ehloName: String
        package var pipelining = Pipelining.ifOffered
        /// STARTTLS, or the session is over.
        package var startTLS = false
        /// BDAT instead of DATA (RFC 3030), or the session is over.
        package var chunking = false

        package init(ehloName: String) { self.ehloName = ehloName }
    }

    package enum Action: Equatable {
        case wait
        /// Greeting and EHLO are done.
        case ready
        case startTLS
        /// Write `out`, then the content; after DATA with its final dot.
        case content
        case finished(LoadOutcome)
        /// `nil` after QUIT, or where the server ended an idle session.
        case close(LoadFailure?)
    }

    /// Next of each: the one below, but `ehlo` to `idle` without TLS, `handshake` to `ehlo`, and back to `idle` from
    /// `mail` to `reset`.
    enum Step { case greeting, ehlo, startTLS, handshake, idle, mail, rcpt, data, content, reset, quit, closed }

    let plan: LoadPlan
    let options: Options
    var step = Step.greeting
    private(set) var offered = OfferedExtensions()
    /// The first EHLO was answered.
    private(set) var isGreeted = false
    private var isTLS = false
    private var parser = ReplyParser()
    /// The message under way.
    var transaction: LoadTransaction?
    var hasContentToSend = false

    package init(_ plan: LoadPlan, _ options: Options) { (self.plan, self.options) = (plan, options) }

    package var isIdle: Bool { step == .idle }
    /// MAIL to the last command before the content go out at once (RFC 2920).
    var isPipelined: Bool { options.pipelining != .never && offered.contains(.pipelining) }

    package var stage: LoadFailure.Stage {
        switch step {
        case .greeting: .greeting
        case .ehlo: .ehlo
        case .startTLS, .handshake: .starttls
        case .idle, .mail: .mail
        case .rcpt: .rcpt
        case .data: .data
        case .content: .content
        case .reset: .reset
        case .quit, .closed: .quit
        }
    }

    /// Starts a transaction; only when `isIdle`.
    ///
    /// - Parameters:
    ///   - octets: Of its content.
    ///   - now: Nanoseconds of the clock that all times are told by.
    package mutating func begin(_ message: LoadMessage, octets: Int, now: Int64, _ out: inout ByteBuffer) {
        precondition(step == .idle, "a transaction begins in an idle session")
        transaction = LoadTransaction(message: message, octets: octets, start: now)
        plan.writeMail(octets: offered.contains(.size) ? octets : nil, into: &out)
        step = .mail
        guard isPipelined else { return }
        for index in message.domains.indices { plan.writeRcpt(message, index, into: &out) }
        writeLast(now, &out)
    }

    package mutating func quit(_ out: inout ByteBuffer) {
        out.writeStaticString("QUIT\r\n")
        step = .quit
    }

    package mutating func tlsEstablished(_ out: inout ByteBuffer) {
        isTLS = true
        // RFC 3207 §4.2: what was learnt before TLS is forgotten.
        offered = OfferedExtensions()
        writeEHLO(&out)
    }

    /// Reads what came, and writes what follows.
    package mutating func next(
        _ input: inout ByteBuffer, now: Int64, counting replies: inout ReplyCounts, _ out: inout ByteBuffer
    ) -> Action {
        while true {
            if hasContentToSend {
                hasContentToSend = false
                return .content
            }
            guard input.readableBytes > 0, step != .closed else { return .wait }
            switch parser.next(&input) {
            case .incomplete: return .wait
            case .violation(let text): return close(LoadFailure(stage, .violation, text))
            case .reply(let reply):
                replies.add(stage, reply.code)
                if let action = received(reply, now, &out) { return action }
            }
        }
    }

    private mutating func received(_ reply: WireReply, _ now: Int64, _ out: inout ByteBuffer) -> Action? {
        if step == .quit { return close(nil) }
        // RFC 5321 §3.8: the connection is about to be closed, whatever it was said to.
        if reply.code == 421 { return close(step == .idle ? nil : Self.refusal(stage, reply)) }
        switch step {
        case .greeting:
            guard reply.isPositive else { return close(Self.refusal(.greeting, reply)) }
            writeEHLO(&out)
            return nil
        case .ehlo: return receivedEHLO(reply, &out)
        case .startTLS:
            guard reply.isPositive else { return close(Self.refusal(.starttls, reply)) }
            step = .handshake
            return .startTLS
        case .mail, .rcpt, .data, .content, .reset: return receivedInTransaction(reply, now, &out)
        case .handshake, .idle, .closed: return close(LoadFailure(stage, .violation, "a reply to nothing"))
        case .quit: return nil
        }
    }

    private mutating func receivedEHLO(_ reply: WireReply, _ out: inout ByteBuffer) -> Action? {
        guard reply.isPositive else { return close(Self.refusal(.ehlo, reply)) }
        offered = OfferedExtensions(reply)
        isGreeted = true
        if options.startTLS, !isTLS {
            guard offered.contains(.startTLS) else { return close(Self.missing(.starttls, "STARTTLS")) }
            out.writeStaticString("STARTTLS\r\n")
            step = .startTLS
            return nil
        }
        if options.pipelining == .required, !offered.contains(.pipelining) {
            return close(Self.missing(.ehlo, "PIPELINING"))
        }
        if options.chunking, !offered.contains(.chunking) { return close(Self.missing(.ehlo, "CHUNKING")) }
        step = .idle
        return .ready
    }

    private mutating func writeEHLO(_ out: inout ByteBuffer) {
        out.writeStaticString("EHLO ")
        out.writeString(options.ehloName)
        out.writeStaticString("\r\n")
        step = .ehlo
    }

    mutating func close(_ failure: LoadFailure?) -> Action {
        step = .closed
        return .close(failure)
    }

    static func refusal(_ stage: LoadFailure.Stage, _ reply: WireReply) -> LoadFailure {
        LoadFailure(stage, .reply(reply.code), reply.reply().description)
    }

    private static func missing(_ stage: LoadFailure.Stage, _ name: String) -> LoadFailure {
        LoadFailure(stage, .missing, "the server does not offer \(name)")
    }
}
