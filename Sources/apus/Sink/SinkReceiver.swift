import LoadTest
import MailModel
import NIOCore
import NIOPosix
import NIOSSL
import SMTPProtocol
import SMTPTransport
import Synchronization

/// Takes every message and forgets it, but for what `SinkRules` refuse and `SinkArchive` keeps.
final class SinkReceiver: MailReceiver {
    struct Configuration: Sendable {
        var session: ServerSession.Configuration
        var tls: NIOSSLContext?
        var rules: SinkRules
        var refusesConnections = false
        /// Messages of one connection.
        var messagesPerConnection: Int?
        /// Messages in all.
        var messageLimit: Int?
        var archive: SinkArchive?
    }

    /// Connections whose messages are counted at a time. A connection's end is not told to a receiver, so beyond this
    /// number the counts are forgotten.
    private static let countedConnections = 100_000
    private static let goodbye = Reply(421, StatusDetail(3, 2), "Enough messages on this connection")
    private static let full = Reply(421, StatusDetail(3, 2), "The sink has all it wanted")
    private static let notKept = Reply(451, StatusDetail(3, 0), "The sink cannot keep the message")

    let totals = SinkTotals()
    /// Messages of `apus bench`.
    let arrivals = ArrivalBook()
    private let configuration: Configuration
    private let onFull: @Sendable () -> Void
    private let onError: @Sendable (any Error) -> Void
    private let perConnection = Mutex<[String: Int]>([:])

    /// - Parameters:
    ///   - onFull: Called once, when `messageLimit` is reached.
    ///   - onError: Told why a message could not be kept.
    init(
        _ configuration: Configuration, onFull: @escaping @Sendable () -> Void,
        onError: @escaping @Sendable (any Error) -> Void
    ) {
        self.configuration = configuration
        self.onFull = onFull
        self.onError = onError
    }

    func admit(_ client: inout ClientInfo) -> Admission {
        let refusal =
            configuration.refusesConnections
            ? Reply(421, StatusDetail(3, 2), "The sink takes no connections") : configuration.rules.connectionRefusal
        guard let refusal else {
            totals.connections.wrappingAdd(1, ordering: .relaxed)
            return .serve(configuration.session, tls: configuration.tls)
        }
        totals.refusedConnections.wrappingAdd(1, ordering: .relaxed)
        return .refuse(refusal)
    }

    func checkRecipient(
        _ localPart: Span<UInt8>, at domain: Span<UInt8>, from client: ClientInfo
    ) -> RecipientVerdict {
        let verdict = configuration.rules.verdict(localPart)
        if case .refuse(let reply) = verdict { totals.addFailure(reply.code) }
        return verdict
    }

    func receive(
        _ transaction: ReceivedTransaction, from client: ClientInfo, on eventLoop: any EventLoop
    ) -> EventLoopFuture<Reply> {
        if let limit = configuration.messagesPerConnection, isBeyond(limit, client.sessionID) {
            return refuse(Self.goodbye, on: eventLoop)
        }
        let answer = configuration.rules.answer(to: transaction.envelope.recipients)
        guard answer.reply.isPositive else { return refuse(answer.reply, after: answer.delay, on: eventLoop) }
        let number = totals.messages.wrappingAdd(1, ordering: .relaxed).newValue
        if let limit = configuration.messageLimit, number > limit {
            totals.messages.wrappingSubtract(1, ordering: .relaxed)
            return refuse(Self.full, on: eventLoop)
        }
        totals.add(recipients: transaction.envelope.recipients.count, octets: transaction.content.readableBytes)
        let isLast = number == configuration.messageLimit
        guard let archive = configuration.archive else {
            note(transaction)
            return finish(answer, isLast: isLast, on: eventLoop)
        }
        return archive.add(transaction, from: client, on: eventLoop)
            .flatMap {
                self.note(transaction)
                return self.finish(answer, isLast: isLast, on: eventLoop)
            }
            .flatMapErrorThrowing { error in
                self.onError(error)
                return Self.notKept
            }
    }

    private func note(_ transaction: ReceivedTransaction) {
        arrivals.add(
            transaction.content, locals: transaction.envelope.recipients.lazy.map(\.mailbox.localPart),
            now: ToolClock.microseconds)
    }

    private func finish(
        _ answer: SinkRules.Answer, isLast: Bool, on eventLoop: any EventLoop
    ) -> EventLoopFuture<Reply> {
        let future = after(answer.delay, answer.reply, on: eventLoop)
        if isLast { future.whenComplete { [onFull] _ in onFull() } }
        return future
    }

    private func refuse(
        _ reply: Reply, after delay: TimeAmount? = nil, on eventLoop: any EventLoop
    ) -> EventLoopFuture<Reply> {
        totals.addFailure(reply.code)
        return after(delay, reply, on: eventLoop)
    }

    private func after(_ delay: TimeAmount?, _ reply: Reply, on eventLoop: any EventLoop) -> EventLoopFuture<Reply> {
        guard let delay else { return eventLoop.makeSucceededFuture(reply) }
        return eventLoop.scheduleTask(in: delay) { reply }.futureResult
    }

    private func isBeyond(_ limit: Int, _ session: String) -> Bool {
        perConnection.withLock { counts in
            if counts.count >= Self.countedConnections { counts.removeAll() }
            let count = counts[session, default: 0] + 1
            counts[session] = count > limit ? nil : count
            return count > limit
        }
    }
}
