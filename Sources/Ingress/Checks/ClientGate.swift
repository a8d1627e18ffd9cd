import Logging
import MailModel
import NIOCore
import NodeRuntime
import SMTPProtocol
import SMTPTransport
import Synchronization

/// Limits of single clients, shared by all listeners of the node; other nodes count for themselves.
///
/// Refusals are counted, and told in the log once a minute for a client, at most ten a second.
final class ClientGate: Sendable {
    private static let linesPerSecond = 10

    private struct State {
        var limits: ClientLimits
        var secondBegan: Int64 = 0
        var lines = 0

        mutating func mayWrite(_ now: Int64) -> Bool {
            if now - secondBegan >= 1_000_000_000 { (secondBegan, lines) = (now, 0) }
            lines += 1
            return lines <= ClientGate.linesPerSecond
        }
    }

    private let state: Mutex<State>
    private let metrics: IngressMetrics
    private let logger: Logger
    let limitsMessages: Bool

    /// - Returns: `nil` where nothing is limited.
    init?(_ configuration: ClientLimitsConfiguration, metrics: IngressMetrics, logger: Logger) {
        guard !configuration.isUnlimited else { return nil }
        let limits = ClientLimits(configuration)
        limitsMessages = limits.isLimited(.messages)
        state = Mutex(State(limits: limits))
        (self.metrics, self.logger) = (metrics, logger)
    }

    /// - Returns: The reply to refuse a new connection with.
    func connectionRefusal(_ client: ClientInfo) -> ServerReply? {
        if isOver(.errors, client, { $0.check(.errors, of: $1, now: $2) }) { return .tooManyRefusals }
        return isOver(.connections, client, { $0.take(.connections, of: $1, now: $2) }) ? .connectingTooFast : nil
    }

    func senderRefusal(_ client: ClientInfo) -> ServerReply? {
        isOver(.messages, client) { $0.take(.messages, of: $1, now: $2) } ? .sendingTooFast : nil
    }

    func recipientRefusal(_ client: ClientInfo) -> ServerReply? {
        isOver(.recipients, client) { $0.take(.recipients, of: $1, now: $2) } ? .addressingTooFast : nil
    }

    func refused(_ count: Int, of client: ClientInfo) -> ServerReply? {
        let isOver = isOver(.errors, client) { limits, key, now in
            limits.note(.errors, count, of: key, now: now)
            return limits.check(.errors, of: key, now: now)
        }
        return isOver ? .tooManyRefusals : nil
    }

    private func isOver(
        _ limit: ClientLimits.Limit, _ client: ClientInfo,
        _ ask: (inout ClientLimits, IPAddress, Int64) -> ClientLimits.Verdict
    ) -> Bool {
        guard let key = client.limitKey else { return false }
        let now = Int64(NIODeadline.now().uptimeNanoseconds)
        let (verdict, mayWrite) = state.withLock { state in
            let verdict = ask(&state.limits, key, now)
            return (verdict, verdict == .refused(isNews: true) && state.mayWrite(now))
        }
        guard verdict != .allowed else { return false }
        metrics.clientOverLimit(client.listener, limit.label)
        if mayWrite {
            logger.info(
                "a client is over its limit",
                metadata: [
                    LogKey.client: "\(client.address)", LogKey.limit: "\(limit.label)",
                    LogKey.listener: "\(client.listener)", LogKey.address: "\(client.peerAddress)",
                    LogKey.session: "\(client.sessionID)",
                ])
        }
        return true
    }
}

extension ClientLimits.Limit {
    /// As the key of the configuration that sets it.
    var label: String {
        switch self {
        case .connections: "connection_rate"
        case .messages: "message_rate"
        case .recipients: "recipient_rate"
        case .errors: "error_rate"
        }
    }
}
