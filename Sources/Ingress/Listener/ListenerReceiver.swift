import DeliveryPolicy
import Logging
import MailModel
import NIOCore
import NIOSSL
import NodeRuntime
import SMTPProtocol
import SMTPTransport
import Spool
import Synchronization

/// What one listener of the configuration decides and does: who may relay, and how a message gets into the spool.
final class ListenerReceiver: MailReceiver {
    let listener: ListenerConfiguration
    let session: ServerSession.Configuration
    let tls: NIOSSLContext?
    /// Limits of single clients; `nil` where there are none.
    let gate: ClientGate?
    let clientLimits: ClientLimitsConfiguration
    private let domains: DomainTable
    /// `nil` where no tables are configured.
    let checks: AddressChecks?
    let verifier: RecipientVerifier?
    private let acceptance: Acceptance
    private let spool: any Spool
    let metrics: IngressMetrics
    let logger: Logger
    private let replyWithin: TimeAmount
    private let held = Mutex<[ObjectIdentifier: NIOLoopBound<HeldReplies>]>([:])
    let rejections: RejectionLog

    init(
        _ listener: ListenerConfiguration, of configuration: NodeConfiguration, tls: NIOSSLContext?, spool: any Spool,
        rejections: RejectionLog, gate: ClientGate?, checks: AddressChecks?, verifier: RecipientVerifier?,
        metrics: IngressMetrics, logger: Logger
    ) {
        self.listener = listener
        self.tls = tls
        self.spool = spool
        self.metrics = metrics
        self.logger = logger
        self.rejections = rejections
        self.gate = gate
        (self.checks, self.verifier) = (checks, verifier)
        clientLimits = configuration.ingress.clientLimits
        let ingress = configuration.ingress
        domains = DomainTable(ingress.domains)
        acceptance = Acceptance(configuration, listener: listener, checks: checks)
        replyWithin = TimeAmount(ingress.replyWithin)
        session = ServerSession.Configuration(ingress, listener)
    }

    func checkRecipient(
        _ localPart: Span<UInt8>, at domain: Span<UInt8>, from client: ClientInfo
    ) -> RecipientVerdict {
        // `<postmaster>` without a domain is always taken (RFC 5321 §4.5.1).
        let isOurs = domain.isEmpty || domains.contains(domain)
        guard let checks else {
            guard isOurs || client.isTrusted else { return relayingDenied(localPart, domain, client) }
            return gateVerdict(client)
        }
        let mailbox = checks.mailbox(localPart, at: domain)
        let isVirtual = checks.tables.recipients.isVirtualDomain(mailbox.domain)
        guard isOurs || isVirtual || client.isTrusted else { return relayingDenied(localPart, domain, client) }
        if case .refuse(let refusal) = gateVerdict(client) { return .refuse(refusal) }
        let verdict = checks.verdict(mailbox, isOurs: isOurs)
        switch verdict {
        case .accept, .expand: break
        case .refuse(let refusal): rejected(mailbox, client, Reply(refusal))
        case .decline(let refusal): rejected(mailbox, client, refusal)
        }
        return verdict
    }

    private func gateVerdict(_ client: ClientInfo) -> RecipientVerdict {
        guard client.limitKey != nil, let refusal = gate?.recipientRefusal(client) else { return .accept }
        return .refuse(refusal)
    }

    func verifyRecipient(
        _ localPart: Span<UInt8>, at domain: Span<UInt8>, from client: ClientInfo, on eventLoop: any EventLoop
    ) -> EventLoopFuture<ServerReply?>? {
        guard let verifier, !domain.isEmpty else { return nil }
        let mailbox = Mailbox(localPart: localPart.text, domain: Domain(canonical: domain.text))
        if mailbox.isPostmaster { return nil }
        guard let question = checks.map({ $0.questionable(mailbox) }) ?? mailbox, verifier.verifies(question.domain)
        else { return nil }
        let promise = eventLoop.makePromise(of: CallOutResult.self)
        verifier.verify(question, on: eventLoop) { promise.succeed($0) }
        return promise.futureResult.map { result in
            let refusal = verifier.refusal(result)
            if let refusal { self.rejected(mailbox, client, Reply(refusal), reason: "call-out") }
            return refusal
        }
    }

    private func rejected(_ recipient: Mailbox, _ client: ClientInfo, _ reply: Reply, reason: String = "table") {
        rejections.rejected(recipient.description, from: client, reply, reason: reason)
    }

    private func relayingDenied(
        _ localPart: Span<UInt8>, _ domain: Span<UInt8>, _ client: ClientInfo
    ) -> RecipientVerdict {
        let recipient = localPart.text + "@" + domain.text
        rejections.rejected(recipient, from: client, Reply(.relayingDenied), reason: "relaying denied")
        return .refuse(.relayingDenied)
    }

    func receive(
        _ transaction: ReceivedTransaction, from client: ClientInfo, on eventLoop: any EventLoop
    ) -> EventLoopFuture<Reply> {
        let time = Timestamp.now()
        var random = SystemRandomNumberGenerator()
        let queueID = QueueID(time: time, using: &random)
        if let checks, checks.discards(transaction.envelope, from: client) {
            metrics.discarded(listener.name)
            logger.info(
                "a message was discarded, as a table of access says",
                metadata: [LogKey.queueID: "\(queueID)", LogKey.session: "\(client.sessionID)"])
            return eventLoop.makeSucceededFuture(Reply(250, StatusDetail(0, 0), "queued as \(queueID)"))
        }
        switch acceptance.accept(transaction, from: client, queueID: queueID, at: time) {
        case .failure(let refusal):
            for recipient in transaction.envelope.recipients {
                rejections.rejected(recipient.mailbox.description, from: client, refusal.reply, reason: "wish field")
            }
            return eventLoop.makeSucceededFuture(refusal.reply)
        case .success(let parts): return append(parts, queueID, client, on: eventLoop)
        }
    }

    /// 250 means that every part is in the spool durably (DESIGN §1, promise 1).
    private func append(
        _ parts: [MessageRecord], _ queueID: QueueID, _ client: ClientInfo, on loop: any EventLoop
    ) -> EventLoopFuture<Reply> {
        let promise = loop.makePromise(of: Reply.self)
        let held = NIOLoopBound(held(of: loop).hold(promise), eventLoop: loop)
        let began = NIODeadline.now()
        spool.append(parts.map { SpoolRecord($0) }) { [self] result in
            loop.execute { self.appended(result, queueID, held.value, client, began) }
        }
        return promise.futureResult
    }

    private func appended(
        _ result: Result<[Position], SpoolError>, _ queueID: QueueID, _ held: HeldReplies.Held, _ client: ClientInfo,
        _ began: NIODeadline
    ) {
        switch result {
        case .success:
            metrics.appended(in: NIODeadline.now() - began)
            if !held.answer(Reply(250, StatusDetail(0, 0), "queued as \(queueID)")) {
                metrics.unconfirmed(listener.name)
            }
        case .failure(let error):
            logger.error(
                "a message could not be put into the spool",
                metadata: [
                    "queue_id": "\(queueID)", "session": "\(client.sessionID)", "error": "\(error)",
                ])
            if error.code == .recordTooLarge {
                _ = held.answer(Reply(552, StatusDetail(3, 4), "the message is too large for the spool"))
            } else {
                _ = held.answer(Reply(451, StatusDetail(3, error.code == .full ? 1 : 0), error.message))
            }
        }
    }

    private func held(of loop: any EventLoop) -> HeldReplies {
        held.withLock { held in
            if let known = held[ObjectIdentifier(loop)] { return known }
            let made = NIOLoopBound(HeldReplies(loop: loop, limit: replyWithin), eventLoop: loop)
            held[ObjectIdentifier(loop)] = made
            return made
        }.value
    }
}

extension ServerSession.Configuration {
    init(_ ingress: IngressConfiguration, _ listener: ListenerConfiguration) {
        self.init(hostname: ingress.hostname.name)
        sizeLimit = ingress.sizeLimit
        recipientLimit = ingress.recipientsLimit
        errorLimit = ingress.errorsLimit
        offersTLS = listener.tls != nil
        requiresTLS = listener.tls?.isRequired ?? false
        bareLineFeed = ingress.bareLineFeed == .convert ? .convert : .reject
        headerLimit = ingress.headerLimit
        receivedLimit = ingress.receivedLimit
        toldRefusals = RejectionLog.eventsPerSession
    }
}
