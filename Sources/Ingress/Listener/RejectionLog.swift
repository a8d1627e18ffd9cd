import Logging
import MailModel
import NIOCore
import SMTPProtocol
import SMTPTransport
import Spool
import Synchronization

/// Writes `rejected` events. Outside transactions, each at most once, and a bounded number a second: a flood of refused
/// mail must not fill the log; what is left out is counted all the same.
final class RejectionLog: Sendable {
    static let eventsPerSecond = 100
    /// Of what a session refuses itself: syntax, limits, content.
    static let eventsPerSession = 20

    private let spool: any Spool
    private let node: String
    private let metrics: IngressMetrics
    private let logger: Logger
    private let window = Mutex((began: NIODeadline.now(), count: 0))

    init(spool: any Spool, node: String, metrics: IngressMetrics, logger: Logger) {
        self.spool = spool
        self.node = node
        self.metrics = metrics
        self.logger = logger
    }

    /// - Parameters:
    ///   - recipient: `nil` where a transaction was refused that had none yet.
    ///   - reversePath: As far as it is known.
    func rejected(
        _ recipient: String?, of reversePath: String? = nil, from client: ClientInfo, ehlo: String? = nil,
        _ reply: Reply, reason: String
    ) {
        metrics.rejected(client.listener, reason)
        guard mayWrite() else { return metrics.rejectedUntold(client.listener) }
        var event = DeliveryEvent(.rejected, at: .now())
        var random = SystemRandomNumberGenerator()
        let identity = QueueID(time: event.time, using: &random)
        event.eventID = String(identity.high, radix: 16) + String(identity.low, radix: 16)
        event.recipient = recipient
        event.reversePath = reversePath
        event.client = DeliveryEvent.Client(
            address: client.address.isEmpty ? nil : client.address, ehlo: ehlo, user: client.login)
        event.listener = client.listener
        event.session = client.sessionID
        event.tls = client.tls
        event.reply = reply
        event.reason = reason
        event.protocol = "smtp"
        event.node = node
        var value = ByteBuffer()
        event.writeJSON(into: &value)
        spool.append([SpoolRecord(.events, key: client.sessionID, value: value)]) { [logger] result in
            if case .failure(let error) = result {
                logger.debug("a rejection could not be written", metadata: ["error": "\(error)"])
            }
        }
    }

    /// What a session refused itself, and how much more than it tells of.
    func rejected(_ refusals: [SessionRefusals.One], more: Int, from client: ClientInfo) {
        for refusal in refusals {
            rejected(
                refusal.recipient, of: refusal.reversePath, from: client, ehlo: refusal.ehlo, Reply(refusal.reply),
                reason: Self.reason(refusal))
        }
        if more > 0 { metrics.rejectedUntold(client.listener, more) }
    }

    /// A few words that are the same for all replies of a kind: they are labels of a metric too.
    static func reason(_ refusal: SessionRefusals.One) -> String {
        switch (refusal.stage, refusal.reply.code, refusal.reply.detail) {
        case (.session, _, _): "too many errors"
        case (_, 452, _): refusal.stage == .rcpt ? "too many recipients" : "busy"
        case (_, 421, _): "session ended"
        case (_, 451, _): "busy"
        case (_, _, StatusDetail(3, 4)): "size"
        case (_, _, StatusDetail(4, 6)): "mail loop"
        case (.content, _, StatusDetail(6, 0)): "content format"
        default: "syntax"
        }
    }

    private func mayWrite() -> Bool {
        window.withLock { window in
            let now = NIODeadline.now()
            if now - window.began >= .seconds(1) { window = (now, 0) }
            window.count += 1
            return window.count <= Self.eventsPerSecond
        }
    }
}
