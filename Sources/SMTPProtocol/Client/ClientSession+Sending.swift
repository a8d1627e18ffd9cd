import NIOCore

extension ClientSession {
    /// Writes every command that may be written now.
    mutating func send(into out: inout ByteBuffer) {
        while maySend {
            switch sendCursor.step {
            case .ehlo:
                ClientCommand.greeting(dialect == .smtp ? "EHLO " : "LHLO ", name: ehloName, into: &out)
            case .helo:
                ClientCommand.greeting("HELO ", name: ehloName, into: &out)
            case .startTLS:
                out.writeStaticString("STARTTLS\r\n")
            case .reset:
                out.writeStaticString("RSET\r\n")
            case .mail:
                guard let transaction else { return }
                ClientCommand.mail(
                    transaction.outbound, needsUTF8: transaction.needsUTF8, offered: offered, into: &out)
            case .rcpt:
                guard let transaction else { return }
                ClientCommand.rcpt(transaction.outbound.recipients[sendCursor.index], offered: offered, into: &out)
            case .data:
                if isChunked { return sendChunk() }
                out.writeStaticString("DATA\r\n")
            case .quit:
                out.writeStaticString("QUIT\r\n")
            case .greeting, .handshake, .idle, .content, .completed, .closed:
                return
            }
            sendCursor = successor(of: sendCursor)
            progress &+= 1
        }
    }

    private var isChunked: Bool { transaction?.pieces.isChunk == true }

    /// The command goes out with the content, as its first piece: nothing is awaited in between.
    private mutating func sendChunk() {
        move(to: .content)
        announceContent()
    }

    private var maySend: Bool {
        switch sendCursor.step {
        case .ehlo, .helo, .startTLS, .reset, .quit: sendCursor == receiveCursor
        case .data where transaction?.outbound.isProbe == true: false
        // RFC 3030 §4.2 lets BDAT go out with RCPT. Here it waits for the replies: nothing is then sent to a host that
        // takes none of the recipients, and no reply to BDAT can be mistaken for one to RCPT. It costs no round trip
        // more than DATA, which goes out with RCPT and whose content waits for the same replies.
        case .data where isChunked: sendCursor == receiveCursor
        case .mail, .rcpt, .data: sendCursor == receiveCursor || offered.contains(.pipelining)
        case .greeting, .handshake, .idle, .content, .completed, .closed: false
        }
    }
}
