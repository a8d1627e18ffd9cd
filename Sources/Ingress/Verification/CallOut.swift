import DeliveryPolicy
import MailModel
import NIOCore
import SMTPProtocol
import SMTPTransport

/// Asks hosts in turn whether they take mail for an address: MAIL FROM:<>, RCPT, QUIT; never DATA. Bound to one loop.
///
/// The first host with which a session comes as far as RCPT decides.
final class CallOut: OutboundConnectionDelegate {
    private let transaction: OutboundTransaction
    private let loop: any EventLoop
    private var targets: ArraySlice<OutboundConnection.Target>
    private var done: ((CallOutResult) -> Void)?
    private var connection: OutboundConnection?
    private var result: CallOutResult?
    private var timer: Scheduled<Void>?

    /// - Parameters:
    ///   - limit: For all hosts together; then the address is `unanswered`.
    ///   - done: Called once, on the loop.
    static func begin(
        _ mailbox: Mailbox, at targets: [OutboundConnection.Target], within limit: TimeAmount, on loop: any EventLoop,
        done: @escaping (CallOutResult) -> Void
    ) {
        let callOut = CallOut(mailbox, targets, loop, done)
        callOut.timer = loop.assumeIsolated().scheduleTask(in: limit) { callOut.timedOut() }
        callOut.next()
    }

    private init(
        _ mailbox: Mailbox, _ targets: [OutboundConnection.Target], _ loop: any EventLoop,
        _ done: @escaping (CallOutResult) -> Void
    ) {
        transaction = OutboundTransaction(
            reversePath: .null, recipients: [Recipient(mailbox: mailbox, index: 0)], content: ByteBuffer(),
            isProbe: true)
        (self.targets, self.loop, self.done) = (targets[...], loop, done)
    }

    private func next() {
        guard let target = targets.popFirst() else { return finish(.unanswered) }
        connection = OutboundConnection.open(target, on: loop, delegate: self)
    }

    private func timedOut() {
        finish(.unanswered)
        connection?.close(immediately: true)
    }

    private func finish(_ result: CallOutResult) {
        guard let done else { return }
        self.done = nil
        timer?.cancel()
        timer = nil
        done(result)
    }

    func connectionReady(_ connection: OutboundConnection) {
        if done == nil { connection.close(immediately: true) } else { connection.begin(transaction) }
    }

    func connection(_ connection: OutboundConnection, finished result: TransactionResult) {
        let outcome = CallOutResult(result.perRecipient.first?.failure)
        // A host that refuses the session or us leaves the question to the next one.
        if outcome != .unanswered || targets.isEmpty { finish(outcome) }
        connection.close()
    }

    func connectionEnded(_ connection: OutboundConnection, failure: Failure?) {
        self.connection = nil
        if done != nil { next() }
    }
}
