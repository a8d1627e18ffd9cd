import MailModel
import NIOCore
import NIOPosix
import SMTPProtocol
import SMTPTransport

/// What a delegate saw of one connection.
struct Observation: Sendable {
    var ready = 0
    var results: [TransactionResult] = []
    /// One for each end; there has to be one.
    var ends: [Failure?] = []
    var facts: OutboundConnection.Facts?
    var dialogue: [String] = []

    var outcomes: [String] { results.flatMap(\.perRecipient).map(describe) }
    var end: String { ends.count == 1 ? ends[0].map(describe) ?? "polite" : "\(ends.count) ends" }
}

func describe(_ result: RecipientResult) -> String {
    switch result {
    case .delivered(let reply): "delivered: \(reply)"
    case .failed(let failure): describe(failure)
    }
}

func describe(_ line: OutboundConnection.DialogueLine) -> String {
    switch line {
    case .sent(let text): "C: \(text)"
    case .received(let text): "S: \(text)"
    case .content(let octets): "C: <\(octets) octets of content>"
    case .secured(let facts): "TLS: \(facts?.version ?? "")"
    }
}

func describe(_ failure: Failure) -> String {
    failure.reply.map { "\(failure.stage): \($0)" } ?? "\(failure.stage): \(failure.cause)"
}

/// Sends transactions one after the other over one connection, then closes it: what a sender's lane does.
final class Lane: OutboundConnectionDelegate {
    enum Closing: Sendable { case whenDone, whenReady, amidTransaction, whileConnecting, never }

    private var waiting: [OutboundTransaction]
    private let closing: Closing
    private var observation = Observation()
    private let done: (Observation) -> Void
    private var depth = 0

    private init(_ waiting: [OutboundTransaction], _ closing: Closing, _ done: @escaping (Observation) -> Void) {
        self.waiting = waiting
        self.closing = closing
        self.done = done
    }

    static func run(
        _ transactions: [OutboundTransaction], to target: OutboundConnection.Target, closing: Closing = .whenDone
    ) async -> Observation {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        return await withCheckedContinuation { continuation in
            loop.execute {
                let lane = Lane(transactions, closing) { continuation.resume(returning: $0) }
                let connection = OutboundConnection.open(target, on: loop, delegate: lane) { [unowned lane] in
                    lane.observation.dialogue.append(describe($0))
                }
                if closing == .whileConnecting { connection.close() }
            }
        }
    }

    func connectionReady(_ connection: OutboundConnection) {
        observation.ready += 1
        if closing == .whenReady { return connection.close() }
        goOn(connection)
    }

    func connection(_ connection: OutboundConnection, finished result: TransactionResult) {
        // A transaction that fails at once must not be finished from inside `begin` when that came from here.
        precondition(depth == 0)
        depth += 1
        defer { depth -= 1 }
        observation.results.append(result)
        if result.connectionUsable { goOn(connection) }
    }

    func connectionEnded(_ connection: OutboundConnection, failure: Failure?) {
        observation.ends.append(failure)
        observation.facts = connection.facts
        connection.close()
        done(observation)
    }

    private func goOn(_ connection: OutboundConnection) {
        guard !waiting.isEmpty else {
            if closing != .never { connection.close() }
            return
        }
        connection.begin(waiting.removeFirst())
        if closing == .amidTransaction { connection.close() }
    }
}

func target(_ address: SocketAddress, tls: TLSPolicy = .none) -> OutboundConnection.Target {
    OutboundConnection.Target(address: address, hostName: "mx.test", ehloName: "a1.example.org", tls: tls)
}

func mail(_ recipients: [String] = ["b"], content: ByteBuffer = ByteBuffer(string: "Subject: x\r\n\r\nhello\r\n"))
    -> OutboundTransaction
{
    OutboundTransaction(
        reversePath: .null,
        recipients: recipients.enumerated().map {
            Recipient(mailbox: Mailbox(localPart: $1, domain: Domain(canonical: "y.example")), index: $0)
        }, content: content)
}
