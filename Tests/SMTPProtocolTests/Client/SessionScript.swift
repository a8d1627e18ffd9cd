import MailModel
import NIOCore
import SMTPProtocol
import Testing

/// Runs a `ClientSession` against a dialogue written as text: `S:` lines are fed to it, and what it sends after them
/// has to be the `C:` lines that follow, all of them, so that the borders of pipelined groups are part of the script.
struct SessionScript {
    var session: ClientSession
    /// Begun one after the other, as soon as the session can take them; QUIT follows the last.
    var transactions: [OutboundTransaction]
    /// Bytes fed at a time; `nil` feeds all `S:` lines between two commands at once.
    var chunk: Int?
    var quits = true
    var tlsFails = false

    private(set) var results: [TransactionResult] = []
    private(set) var closes: [Failure?] = []
    private(set) var readyCount = 0
    private var input = ByteBuffer()
    private var output = ByteBuffer()

    init(
        _ transactions: [OutboundTransaction] = [], startTLS: ClientSession.StartTLS = .never,
        dialect: ClientSession.Dialect = .smtp, chunking: Bool = false, chunk: Int? = nil
    ) {
        session = ClientSession(
            dialect: dialect, ehloName: "a1.example.org", startTLS: startTLS, chunking: chunking,
            timeouts: ClientTimeouts())
        self.transactions = transactions
        self.chunk = chunk
    }

    /// What became of each recipient of each transaction, in words.
    var outcomes: [String] { results.flatMap(\.perRecipient).map(describe) }
    var closing: [String] { closes.map { $0.map(describe) ?? "polite" } }

    mutating func run(_ script: String, _ location: SourceLocation = #_sourceLocation) {
        var fed = ""
        var expected = ""
        for line in script.split(separator: "\n").map({ $0.drop { $0 == " " } }) {
            if line.hasPrefix("S: ") {
                check(&expected, location)
                fed += line.dropFirst(3) + "\r\n"
            } else if line.hasPrefix("C: ") {
                feed(&fed)
                expected += line.dropFirst(3) + "\r\n"
            } else {
                Issue.record("not a line of a script: \(line)", sourceLocation: location)
            }
        }
        feed(&fed)
        check(&expected, location)
        #expect(sent() == "", "sent beyond the script", sourceLocation: location)
    }

    mutating func feed(_ text: inout String) {
        let bytes = Array(text.utf8)
        text = ""
        if bytes.isEmpty { step() }
        var at = 0
        while at < bytes.count {
            let end = min(at + (chunk ?? bytes.count), bytes.count)
            input.writeBytes(bytes[at..<end])
            at = end
            step()
        }
    }

    mutating func feed(_ text: String) {
        var text = text
        feed(&text)
    }

    mutating func lose() {
        session.connectionLost()
        step()
    }

    mutating func timeOut() {
        session.timedOut()
        step()
    }

    mutating func sent() -> String { output.readString(length: output.readableBytes) ?? "" }

    private mutating func check(_ expected: inout String, _ location: SourceLocation) {
        guard !expected.isEmpty else { return }
        #expect(sent() == expected, sourceLocation: location)
        expected = ""
    }

    private mutating func step() {
        while true {
            switch session.next(&input, &output) {
            case .wait: return
            case .ready:
                readyCount += 1
                goOn()
            case .startTLS:
                if tlsFails { session.tlsFailed("bad certificate") } else { session.tlsEstablished(&output) }
            case .sendContent:
                while var piece = session.nextContentPiece() { output.writeBuffer(&piece) }
            case .finished(let result):
                results.append(result)
                if result.connectionUsable { goOn() }
            case .close(let failure):
                closes.append(failure)
            }
        }
    }

    private mutating func goOn() {
        if !transactions.isEmpty {
            session.begin(transactions.removeFirst(), &output)
        } else if quits {
            session.quit(&output)
        }
    }
}

func describe(_ result: RecipientResult) -> String {
    switch result {
    case .delivered(let reply): "delivered: \(reply)"
    case .failed(let failure): describe(failure)
    }
}

func describe(_ failure: Failure) -> String {
    if let reply = failure.reply { return "\(failure.stage): \(reply)" }
    return "\(failure.stage): \(failure.cause)"
}

/// A mail from a@x.example to the given local parts at y.example.
func mail(_ recipients: String..., content: String = "Subject: x\r\n\r\nhello\r\n") -> OutboundTransaction {
    let domain = Domain(canonical: "y.example")
    return OutboundTransaction(
        reversePath: .mailbox(Mailbox(localPart: "a", domain: Domain(canonical: "x.example"))),
        recipients: recipients.enumerated().map {
            Recipient(mailbox: Mailbox(localPart: $1, domain: domain), index: $0)
        }, content: ByteBuffer(string: content))
}

/// Sizes that make a script be fed byte by byte, split oddly, and whole.
let chunks: [Int?] = [1, 2, 3, 7, 16, nil]
