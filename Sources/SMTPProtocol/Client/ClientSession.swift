package import MailModel
package import NIOCore

/// Client side of one SMTP or LMTP session (RFC 5321, RFC 2033): bytes in, commands and actions out. Does no I/O.
///
/// Two cursors walk over one list of steps: `sendCursor` is the next command to be written, `receiveCursor` the next
/// reply to come. Without PIPELINING a command waits until they meet; with it (RFC 2920), MAIL to DATA do not wait.
/// Nothing else differs. The owner calls `next` until it says `wait`, and writes `out` whenever there is something in
/// it. A transaction that was begun ends in exactly one `finished`, also when the session breaks; a session ends in
/// exactly one `close`.
package struct ClientSession {
    package enum Dialect: Sendable { case smtp, lmtp }

    /// What to do about STARTTLS; which certificates are good is the owner's business.
    package enum StartTLS: Sendable { case never, ifOffered, required }

    package enum Action {
        /// More bytes are needed, or a transaction; `timeLimit` says how long it may take.
        case wait
        /// Greeting and EHLO are done: `begin` may be called.
        case ready
        /// Put TLS on the connection, then call `tlsEstablished` or `tlsFailed`.
        case startTLS
        /// Take pieces with `nextContentPiece` until there is none, as fast as the connection takes them.
        case sendContent
        case finished(TransactionResult)
        /// The session is over. `nil` after QUIT.
        case close(Failure?)
    }

    package private(set) var offered = OfferedExtensions()
    /// Grows with each command and piece written and each reply read; partial replies are no progress.
    package internal(set) var progress: UInt64 = 0
    package let dialect: Dialect
    let ehloName: String
    let startTLS: StartTLS
    /// BDAT in place of DATA where the host offers CHUNKING (RFC 3030).
    let usesChunking: Bool
    let timeouts: ClientTimeouts

    var sendCursor = Cursor(.ehlo)
    var receiveCursor = Cursor(.greeting)
    var isTLS = false
    /// The server has a transaction open that did not end with a final dot.
    var needsReset = false
    /// The server refused the session with a reply that leaves room for a QUIT.
    var isRefused = false
    var transaction: TransactionState?
    private var parser = ReplyParser()
    private var announcement = Announcement.none

    /// What `next` has to say before it reads on.
    private enum Announcement {
        case none
        case ready, startTLS, sendContent
        case finished
        /// `finished` if a transaction is under way, then `close`, then nothing.
        case ending(Failure?)
        case ended
    }

    package init(
        dialect: Dialect = .smtp, ehloName: String, startTLS: StartTLS, chunking: Bool = false,
        timeouts: ClientTimeouts
    ) {
        self.dialect = dialect
        self.ehloName = ehloName
        self.startTLS = startTLS
        usesChunking = chunking
        self.timeouts = timeouts
    }

    /// Ready for a transaction.
    package var isIdle: Bool {
        if case .none = announcement { receiveCursor.step == .idle } else { false }
    }

    package var isClosed: Bool { receiveCursor.step == .closed }

    /// How far the session is, for a failure that happens now.
    package var stage: Failure.Stage {
        switch receiveCursor.step {
        case .greeting: .greeting
        case .ehlo, .helo: .ehlo
        case .startTLS, .handshake: .starttls
        case .idle, .reset, .mail, .quit, .closed: .mail
        case .rcpt: .rcpt
        case .data: .data
        case .content, .completed: sendCursor.step == .content ? .content : .acknowledgement
        }
    }

    /// How long the present step may last, counted from the last progress; `nil` when nothing is awaited.
    package var timeLimit: TimeAmount? {
        switch receiveCursor.step {
        case .greeting: timeouts.greeting
        case .ehlo, .helo: timeouts.ehlo
        case .startTLS, .handshake: timeouts.startTLS
        case .idle, .closed: nil
        case .reset, .mail: timeouts.mail
        case .rcpt: timeouts.rcpt
        case .data: timeouts.data
        case .content, .completed: sendCursor.step == .content ? timeouts.block : timeouts.acknowledgement
        case .quit: timeouts.quit
        }
    }

    /// Reads replies from `input` and writes commands to `out` until there is something to be done by the owner.
    package mutating func next(_ input: inout ByteBuffer, _ out: inout ByteBuffer) -> Action {
        while true {
            // Bytes that are there already belong to nothing that is still to be said, so they are read first.
            if input.readableBytes == 0 || isEnding { return takeAnnouncement(&out) }
            switch parser.next(&input) {
            case .incomplete:
                return takeAnnouncement(&out)
            case .violation(let text):
                end(Failure(stage: stage, cause: .protocolViolation, text: text))
            case .reply(let reply):
                progress &+= 1
                received(reply, bytesFollow: input.readableBytes > 0)
                send(into: &out)
            }
        }
    }

    private var isEnding: Bool {
        switch announcement {
        case .ending, .ended: true
        case .none, .ready, .startTLS, .sendContent, .finished: false
        }
    }

    private mutating func takeAnnouncement(_ out: inout ByteBuffer) -> Action {
        let said = announcement
        announcement = .none
        switch said {
        case .none: return .wait
        case .ready: return .ready
        case .startTLS: return .startTLS
        case .sendContent: return .sendContent
        case .finished: return takeResult().map { .finished($0) } ?? .wait
        case .ending(let failure):
            announcement = said
            if let result = takeResult() { return .finished(result) }
            announcement = .ended
            if isRefused { out.writeStaticString("QUIT\r\n") }
            return .close(failure)
        case .ended:
            announcement = .ended
            return .wait
        }
    }
}

// Events other than bytes.
extension ClientSession {
    /// Starts a transaction; only when `isIdle`.
    package mutating func begin(_ outbound: OutboundTransaction, _ out: inout ByteBuffer) {
        precondition(isIdle && transaction == nil, "a transaction begins in an idle session")
        var state = TransactionState(outbound, asChunk: usesChunking && offered.contains(.chunking))
        let obstacle = state.obstacle(offered)
        state.failure = obstacle
        transaction = state
        if obstacle != nil {
            announcement = .finished
        } else {
            move(to: needsReset ? .reset : .mail)
            send(into: &out)
        }
    }

    /// Ends an idle session politely; the owner closes at once in any other state.
    package mutating func quit(_ out: inout ByteBuffer) {
        guard isIdle else { return abort("the connection was closed") }
        move(to: .quit)
        send(into: &out)
    }

    package mutating func tlsEstablished(_ out: inout ByteBuffer) {
        guard receiveCursor.step == .handshake else { return }
        isTLS = true
        // RFC 3207 §4.2: what was learnt before TLS is forgotten.
        offered = OfferedExtensions()
        progress &+= 1
        move(to: .ehlo)
        send(into: &out)
    }

    package mutating func tlsFailed(_ text: String) {
        end(Failure(stage: .starttls, cause: .tlsFailed, text: text))
    }

    package mutating func connectionLost() {
        if receiveCursor.step == .quit { return end(nil) }
        if receiveCursor.step == .handshake { return tlsFailed("the connection was closed during the TLS handshake") }
        end(Failure(stage: stage, cause: .connectionLost, text: "the connection was closed by the host"))
    }

    package mutating func timedOut() {
        if receiveCursor.step == .quit { return end(nil) }
        if receiveCursor.step == .handshake { return tlsFailed("the TLS handshake took too long") }
        end(Failure(stage: stage, cause: .timeout, text: "the host did not answer in time"))
    }

    /// Ends the session for a reason of our own.
    package mutating func abort(_ text: String) {
        end(Failure(stage: stage, cause: .local, text: text))
    }

    /// The next piece of the content while it is being sent; with the last one the final dot, or the end of the last
    /// chunk, has been handed over.
    package mutating func nextContentPiece() -> ByteBuffer? {
        guard sendCursor.step == .content, receiveCursor.step == .content, transaction != nil else { return nil }
        guard let piece = transaction?.pieces.next() else { return nil }
        progress &+= 1
        if transaction?.pieces.isFinished == true { sendCursor = Cursor(.completed) }
        return piece
    }

    package var isSendingContent: Bool { sendCursor.step == .content && receiveCursor.step == .content }
}

// Shared by the two halves of the dialogue.
extension ClientSession {
    mutating func end(_ failure: Failure?) {
        guard !isEnding else { return }
        if let failure, transaction?.isDecided == false { transaction?.failure = failure }
        move(to: .closed)
        announcement = .ending(failure)
    }

    mutating func becomeReady(_ extensions: OfferedExtensions) {
        offered = extensions
        move(to: .idle)
        announcement = .ready
    }

    mutating func learn(_ extensions: OfferedExtensions) { offered = extensions }
    mutating func announceStartTLS() { announcement = .startTLS }
    mutating func announceContent() { announcement = .sendContent }

    /// The dialogue of the transaction is over and the session goes on.
    mutating func finishTransaction() {
        move(to: .idle)
        announcement = .finished
    }

    private mutating func takeResult() -> TransactionResult? {
        guard let state = transaction else { return nil }
        transaction = nil
        return TransactionResult(perRecipient: state.results(), connectionUsable: receiveCursor.step == .idle)
    }
}
