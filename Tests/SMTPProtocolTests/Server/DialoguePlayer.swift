import MailModel
import NIOCore
import SMTPProtocol
import Testing

/// Plays the client's part of a dialogue to a session and writes down what the session does.
struct DialoguePlayer {
    enum Event {
        case reply(String)
        case action(String)
        case message(ReceivedTransaction)
    }

    private(set) var events: [Event] = []
    private var session: ServerSession
    private var input = ByteBuffer()
    private var answers: [Reply]
    /// MAIL commands to take before one is refused.
    private var senderRefusals: Int

    /// - Parameter cut: Cuts one segment into the pieces that come in one after the other.
    static func play(_ dialogue: Dialogue, cut: ([UInt8]) -> [ArraySlice<UInt8>]) -> [Event] {
        var player = DialoguePlayer(dialogue)
        for segment in dialogue.segments {
            for piece in cut(segment) { player.receive(piece) }
        }
        return player.events
    }

    private init(_ dialogue: Dialogue) {
        session = ServerSession(configuration: dialogue.configuration)
        senderRefusals = dialogue.senderRefusals
        if dialogue.isBusy { session.mailRefusal = .systemBusy }
        answers = dialogue.answers
        var output = ByteBuffer()
        session.greet(&output)
        note(output)
    }

    private mutating func receive(_ piece: ArraySlice<UInt8>) {
        guard !session.isClosed else { return }
        input.writeBytes(piece)
        var output = ByteBuffer()
        while true {
            output.clear()
            var action = session.next(&input, into: &output)
            if action == .checkRecipient {
                let verdict = session.withPendingRecipient { _, domain in Self.verdict(domain) }
                action = session.recipientDecided(verdict, into: &output)
            }
            if action == .checkSender {
                senderRefusals -= 1
                action = session.senderDecided(senderRefusals == -1 ? .refuse(.sendingTooFast) : .accept, into: &output)
            }
            note(output)
            output.clear()
            if action == .overrideClient {
                note(session.pendingOverride)
                session.clientOverridden(session.configuration, into: &output)
                note(output)
                continue
            }
            if action == .accept {
                events.append(.message(session.takeTransaction()))
                let answer = answers.isEmpty ? Reply(250, StatusDetail(0, 0), "queued") : answers.removeFirst()
                action = session.accepted(answer, into: &output)
                note(output)
            }
            switch action {
            case .needMoreBytes: return
            case .proceed, .checkRecipient, .checkSender, .overrideClient, .accept: continue
            case .beginTLS:
                events.append(.action("tls"))
                session.tlsEstablished(TLSFacts(version: "TLSv1.3"))
                return
            case .close:
                events.append(.action("close"))
                return
            }
        }
    }

    private static func verdict(_ domain: Span<UInt8>) -> RecipientVerdict {
        switch String(decoding: domain.indices.map { domain[$0] }, as: UTF8.self).lowercased() {
        case "denied.test": return .refuse(.relayingDenied)
        case "later.test": return .refuse(.systemBusy)
        case "many.test": return .expand(6000)
        case "table.test": return .decline(Reply(551, StatusDetail(7, 9), "says a table"))
        case "away.test": return .decline(Reply(421, StatusDetail(7, 0), "go away"))
        default: return .accept
        }
    }

    /// As `A: client address port login destination port`, with `-` for what was kept and `?` for what is not known.
    private mutating func note(_ override: ClientOverride) {
        func text<Value>(_ attribute: ClientOverride.Attribute<Value>) -> String {
            switch attribute {
            case .kept: "-"
            case .unavailable: "?"
            case .value(let value): "\(value)"
            }
        }
        let parts = [
            text(override.address), text(override.port), text(override.login), text(override.destinationAddress),
            text(override.destinationPort),
        ]
        events.append(.action("client " + parts.joined(separator: " ")))
    }

    private mutating func note(_ output: ByteBuffer) {
        for line in String(buffer: output).split(separator: "\r\n") { events.append(.reply(String(line))) }
    }
}

extension Dialogue {
    /// Compares what was seen with what is written down.
    func check(_ events: [DialoguePlayer.Event], _ how: Comment) {
        var rest = events[...]
        var message: ReceivedTransaction?
        for step in steps {
            switch step {
            case .client, .answer: continue
            case .reply(let text):
                message = nil
                guard Self.takeReply(text, &rest) else {
                    Issue.record("expected \(text), got \(describe(rest.first)) (\(how))")
                    return
                }
            case .action(let name):
                guard case .action(name)? = rest.popFirst() else {
                    Issue.record("expected \(name) (\(how))")
                    return
                }
            case .message(let fact):
                if message == nil, case .message(let next)? = rest.popFirst() { message = next }
                guard let message, MessageFact(fact).holds(for: message) else {
                    Issue.record(
                        "expected message with \(fact), got \(describe(message.map { .message($0) })) (\(how))")
                    return
                }
            }
        }
        if let extra = rest.first { Issue.record("unexpected \(describe(extra)) (\(how))") }
    }

    private static func takeReply(_ text: String, _ rest: inout ArraySlice<DialoguePlayer.Event>) -> Bool {
        guard text.hasSuffix("*") else {
            guard case .reply(let line)? = rest.popFirst() else { return false }
            return line.hasPrefix(text)
        }
        let code = text.dropLast()
        while case .reply(let line)? = rest.popFirst() {
            if line.hasPrefix(code + " ") { return true }
            if !line.hasPrefix(code + "-") { return false }
        }
        return false
    }

    private func describe(_ event: DialoguePlayer.Event?) -> String {
        switch event {
        case nil: "nothing"
        case .reply(let line): line
        case .action(let name): name
        case .message(let message):
            "\(message.envelope) \(String(buffer: message.content).debugDescription) \(message.transmissionType)"
        }
    }
}

/// One `M:` line.
struct MessageFact {
    let key: String
    let value: String

    init(_ text: String) {
        let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        (key, value) = (words[0], words.count > 1 ? words[1] : "")
    }

    func holds(for message: ReceivedTransaction) -> Bool {
        let envelope = message.envelope
        let words = value.split(separator: " ").map(String.init)
        func recipient() -> Recipient? { envelope.recipients.first { $0.mailbox.description == words.first } }
        switch key {
        case "from": return (value == "<>" ? "" : value) == envelope.reversePath.description
        case "to": return envelope.recipients.contains { $0.mailbox.description == value }
        case "recipients":
            return envelope.recipients.count == Int(value)
                && envelope.recipients.map(\.index) == Array(0..<envelope.recipients.count)
        case "content": return Array(buffer: message.content) == Dialogue.unescape(value)
        case "size": return message.content.readableBytes == Int(value)
        case "ehlo": return message.ehlo == value
        case "type": return message.transmissionType.description == value
        case "envid": return (envelope.envelopeID ?? "nil") == value
        case "ret": return envelope.returnContent == (value == "full" ? .full : .headers)
        case "body": return envelope.body == (value == "7bit" ? .sevenBit : .eightBitMIME)
        case "notify": return recipient().map { $0.notify?.rawValue.description ?? "nil" } == words[1]
        case "orcpt": return recipient()?.originalRecipient == words[1]
        default: return false
        }
    }
}
