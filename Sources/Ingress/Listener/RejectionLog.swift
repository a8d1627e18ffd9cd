import Logging
import MailModel
import NIOCore
import SMTPTransport
import Spool
import Synchronization

/// Writes `rejected` events. Outside transactions, each at most once, and a bounded number a second: a flood of refused
/// mail must not fill the log; what is left out is counted all the same.
final class RejectionLog: Sendable {
    static let eventsPerSecond = 100

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

    func rejected(_ recipient: String, from client: ClientInfo, _ reply: Reply, reason: String) {
        metrics.rejected(client.listener, reason)
        guard mayWrite() else { return }
        var event = DeliveryEvent(.rejected, at: .now())
        var random = SystemRandomNumberGenerator()
        let identity = QueueID(time: event.time, using: &random)
        event.eventID = String(identity.high, radix: 16) + String(identity.low, radix: 16)
        event.recipient = recipient
        event.client = DeliveryEvent.Client(
            address: client.address.isEmpty ? nil : client.address, ehlo: nil, user: client.login)
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

    private func mayWrite() -> Bool {
        window.withLock { window in
            let now = NIODeadline.now()
            if now - window.began >= .seconds(1) { window = (now, 0) }
            window.count += 1
            return window.count <= Self.eventsPerSecond
        }
    }
}
