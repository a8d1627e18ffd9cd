import Logging
import MailModel
import NIOCore
import NodeRuntime
import SMTPProtocol
import SMTPTransport

/// Who a client is taken for, and what it may do.
extension ListenerReceiver {
    func expectsProxyHeader(from client: ClientInfo) -> Bool {
        // Most listeners stand behind no balancer.
        guard !listener.proxyProtocol.from.isEmpty, let address = IPAddress(client.address) else { return false }
        return listener.proxyProtocol.from.contains { $0.contains(address) }
    }

    func admit(_ client: inout ClientInfo) -> Admission {
        let address = client.isUnknown ? nil : IPAddress(client.address)
        func isIn(_ ranges: [AddressRange]) -> Bool {
            guard let address else { return false }
            return ranges.contains { $0.contains(address) }
        }
        // Only a host that may speak for others can have named a login.
        client.isTrusted = isIn(listener.relayFrom) || client.login != nil
        if !client.isOverridden { client.mayOverride = isIn(listener.xclient.from) }
        client.limitKey = limitKey(client, isExempt: clientLimits.exempt.map(isIn) ?? client.isTrusted)
        if client.limitKey != nil, let refusal = gate?.connectionRefusal(client) { return .refuse(Reply(refusal)) }
        if let checks, let address, client.isOverridden || !client.mayOverride,
            let refusal = checks.clientRefusal(address)
        {
            metrics.accessRefused(client.listener, "client")
            return .refuse(refusal)
        }
        var session = session
        session.offersXCLIENT = client.mayOverride
        session.asksBeforeMail =
            client.limitKey != nil && gate?.limitsMessages == true || checks?.asksBeforeMail == true
        return .serve(session, tls: tls)
    }

    private func limitKey(_ client: ClientInfo, isExempt: Bool) -> IPAddress? {
        // A host that speaks for others is not counted itself: its clients are.
        guard gate != nil, !isExempt, client.isOverridden || !client.mayOverride,
            let address = IPAddress(client.address)
        else { return nil }
        return address.network(prefix: address.isIPv6 ? clientLimits.ipv6Prefix : clientLimits.ipv4Prefix)
    }

    func checkSender(
        _ localPart: Span<UInt8>, at domain: Span<UInt8>, from client: ClientInfo
    ) -> SenderVerdict {
        if client.limitKey != nil, let refusal = gate?.senderRefusal(client) { return .refuse(refusal) }
        guard let checks, checks.asksBeforeMail else { return .accept }
        let sender = localPart.isEmpty ? nil : checks.mailbox(localPart, at: domain)
        guard let refusal = checks.senderRefusal(sender) else { return .accept }
        metrics.accessRefused(client.listener, "sender")
        return .decline(refusal)
    }

    func refused(_ count: Int, of client: ClientInfo) -> ServerReply? { gate?.refused(count, of: client) }

    func refused(_ refusals: [SessionRefusals.One], more: Int, of client: ClientInfo) {
        rejections.rejected(refusals, more: more, from: client)
    }

    func noted(_ event: ConnectionEvent, of client: ClientInfo) {
        switch event {
        case .proxyHeaderRefused(let reason):
            metrics.proxyHeaderRefused(client.listener)
            logger.warning(
                "a connection without a valid PROXY header was closed",
                metadata: [
                    LogKey.listener: "\(client.listener)", LogKey.address: "\(client.peerAddress)",
                    LogKey.reason: "\(reason)", LogKey.session: "\(client.sessionID)",
                ])
        case .earlyTalk: metrics.earlyTalk(client.listener)
        case .tooManyOfClient: metrics.clientOverLimit(client.listener, "connections_per_client")
        }
    }
}
