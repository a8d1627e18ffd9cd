import Foundation
import MailModel
import NIOCore
import SMTPProtocol
import SMTPTransport
import Synchronization

/// What the sessions of a run share: the messages still to be sent, and where to.
final class SendWork: Sendable {
    let envelope: OutboundTransaction
    let content: SendContent
    let report: SendReport
    let wantsDSN: Bool
    private let count: Int
    private let taken = Atomic<Int>(0)
    private let isWarned = Atomic<Bool>(false)

    /// - Parameter envelope: A transaction without content.
    init(_ envelope: OutboundTransaction, _ content: SendContent, count: Int, wantsDSN: Bool, report: SendReport) {
        self.envelope = envelope
        self.content = content
        self.count = count
        self.wantsDSN = wantsDSN
        self.report = report
    }

    var isLeft: Bool { taken.load(ordering: .relaxed) < count }

    /// The next message, or `nil` when all were taken.
    func take() -> (transaction: OutboundTransaction, uniqueID: String?)? {
        guard isLeft, taken.wrappingAdd(1, ordering: .relaxed).oldValue < count else { return nil }
        let message = content.message(at: Date())
        var transaction = envelope
        transaction.content = message.content
        return (transaction, message.uniqueID)
    }

    func checkDSN(_ offered: OfferedExtensions) {
        guard wantsDSN, !offered.contains(.dsn), !isWarned.exchange(true, ordering: .relaxed) else { return }
        report.warn("the server does not offer DSN: --notify, --ret and --envid are left out")
    }
}

/// Sends messages one after the other over one connection, and over another where the server ended it. Lives on one
/// loop; ends when no message is left, or when the server cannot be spoken to.
final class SendSession: OutboundConnectionDelegate {
    private let work: SendWork
    private var target: OutboundConnection.Target
    private let loop: any EventLoop
    private let transcript: OutboundConnection.Transcript?
    private let ended: EventLoopPromise<Void>
    private var uniqueID: String?
    private var isReady = false

    /// - Returns: Fulfilled when the session has ended.
    static func run(
        _ work: SendWork, _ target: OutboundConnection.Target, on loop: any EventLoop,
        transcript: SMTPClient.Transcript?
    ) -> EventLoopFuture<Void> {
        let ended = loop.makePromise(of: Void.self)
        loop.execute { SendSession(work, target, loop, transcript, ended).open() }
        return ended.futureResult
    }

    private init(
        _ work: SendWork, _ target: OutboundConnection.Target, _ loop: any EventLoop,
        _ transcript: OutboundConnection.Transcript?, _ ended: EventLoopPromise<Void>
    ) {
        self.work = work
        self.target = target
        self.loop = loop
        self.transcript = transcript
        self.ended = ended
    }

    private func open() {
        isReady = false
        _ = OutboundConnection.open(target, on: loop, delegate: self, transcript: transcript)
    }

    func connectionReady(_ connection: OutboundConnection) {
        isReady = true
        work.checkDSN(connection.offered)
        proceed(connection)
    }

    func connection(_ connection: OutboundConnection, finished result: TransactionResult) {
        work.report.finished(result, uniqueID: uniqueID)
        if result.connectionUsable { proceed(connection) } else { connection.close() }
    }

    func connectionEnded(_ connection: OutboundConnection, failure: Failure?) {
        if let failure, !isReady {
            if failure.cause == .tlsFailed, target.tls == .opportunistic {
                work.report.warn("\(failure.text); going on in clear")
                target.tls = .none
                return open()
            }
            work.report.sessionFailed(failure)
            return ended.succeed()
        }
        // Each connection that was ready has taken a message, so this ends.
        if work.isLeft { open() } else { ended.succeed() }
    }

    private func proceed(_ connection: OutboundConnection) {
        guard let next = work.take() else { return connection.close() }
        uniqueID = next.uniqueID
        connection.begin(next.transaction)
    }
}
