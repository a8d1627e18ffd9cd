package import MailModel
package import NIOCore
package import SMTPProtocol

/// Sends single messages for tools. Senders use `OutboundConnection`.
package enum SMTPClient {
    /// The session did not come as far as a transaction.
    package struct SessionError: Error, CustomStringConvertible {
        package let failure: Failure
        package var description: String {
            failure.reply.map { "\(failure.stage.rawValue): \($0)" } ?? "\(failure.stage.rawValue): \(failure.text)"
        }
    }

    package typealias Transcript = @Sendable (OutboundConnection.DialogueLine) -> Void

    /// Opens a connection, carries out one transaction, and closes it.
    ///
    /// - Throws: `SessionError` when the host did not get ready for a transaction.
    package static func send(
        _ transaction: OutboundTransaction, to target: OutboundConnection.Target, on loop: any EventLoop,
        transcript: Transcript? = nil
    ) async throws -> TransactionResult {
        try await withCheckedThrowingContinuation { continuation in
            loop.execute {
                let exchange = SingleExchange(transaction, continuation)
                _ = OutboundConnection.open(target, on: loop, delegate: exchange, transcript: transcript)
            }
        }
    }
}

/// Delegate of one connection for one transaction.
private final class SingleExchange: OutboundConnectionDelegate {
    private let transaction: OutboundTransaction
    private let continuation: CheckedContinuation<TransactionResult, any Error>
    private var result: TransactionResult?

    init(_ transaction: OutboundTransaction, _ continuation: CheckedContinuation<TransactionResult, any Error>) {
        self.transaction = transaction
        self.continuation = continuation
    }

    func connectionReady(_ connection: OutboundConnection) { connection.begin(transaction) }

    func connection(_ connection: OutboundConnection, finished result: TransactionResult) {
        self.result = result
        connection.close()
    }

    func connectionEnded(_ connection: OutboundConnection, failure: Failure?) {
        if let result { return continuation.resume(returning: result) }
        let unknown = Failure(stage: .connect, cause: .local, text: "the connection was closed")
        continuation.resume(throwing: SMTPClient.SessionError(failure: failure ?? unknown))
    }
}
