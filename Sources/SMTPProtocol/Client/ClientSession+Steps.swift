extension ClientSession {
    /// The steps of a session in the order they are taken. Each sends a command or waits for what its name says.
    enum Step: UInt8, Comparable {
        /// Only received. Next: ehlo.
        case greeting
        /// EHLO or LHLO. Next: helo (where it was refused), startTLS, idle.
        case ehlo
        case helo
        /// Next: handshake, or idle where it was refused and TLS is not required.
        case startTLS
        /// Next: ehlo.
        case handshake
        /// Next: reset, mail, quit.
        case idle
        /// RSET, which ends what an earlier transaction left open. Next: mail.
        case reset
        /// Next: rcpt, idle.
        case mail
        /// One for each recipient. Next: rcpt, data, idle.
        case rcpt
        /// DATA; BDAT is a part of the content. Next: content, idle.
        case data
        /// The content and its final dot, or `BDAT LAST` and the content, then the reply to it; in LMTP one for each accepted recipient. Next: completed.
        case content
        /// Past the transaction. Next: idle.
        case completed
        /// Next: closed.
        case quit
        case closed

        static func < (a: Step, b: Step) -> Bool { a.rawValue < b.rawValue }
    }

    /// A place in the dialogue: a step and, in `rcpt` and the LMTP replies of `content`, the recipient.
    struct Cursor: Comparable {
        var step: Step
        var index: Int

        init(_ step: Step, _ index: Int = 0) { (self.step, self.index) = (step, index) }

        static func < (a: Cursor, b: Cursor) -> Bool {
            a.step == b.step ? a.index < b.index : a.step < b.step
        }
    }

    /// Both cursors at one step: nothing is outstanding.
    mutating func move(to step: Step) {
        sendCursor = Cursor(step)
        receiveCursor = Cursor(step)
    }

    /// Where a cursor goes from here when nothing intervenes.
    func successor(of cursor: Cursor) -> Cursor {
        switch cursor.step {
        case .greeting: return Cursor(.ehlo)
        case .ehlo: return Cursor(.helo)
        case .helo, .handshake, .idle: return Cursor(.idle)
        case .startTLS: return Cursor(.handshake)
        case .reset: return Cursor(.mail)
        case .mail: return Cursor(.rcpt)
        case .rcpt:
            let next = cursor.index + 1
            return next < (transaction?.recipientCount ?? 0) ? Cursor(.rcpt, next) : Cursor(.data)
        case .data: return Cursor(.content)
        case .content: return Cursor(.completed)
        case .completed: return Cursor(.idle)
        case .quit, .closed: return Cursor(.closed)
        }
    }
}
