package import MailModel
package import NIOCore
package import NIOSSL
package import SMTPProtocol

/// The role behind a listener: says who may connect and what they may send, and takes the messages.
///
/// Every method is called on the event loop of the connection, and must not block it.
package protocol MailReceiver: AnyObject, Sendable {
    /// Called once a connection, before the greeting.
    func admit(_ client: inout ClientInfo) -> Admission

    /// Why no new mail can be taken now, of class 4; `nil` while it can. Asked once for each read, so it must be cheap.
    func mailRefusal() -> ServerReply?

    /// Judges one RCPT, synchronously and without allocating; both spans are those of
    /// `ServerSession.withPendingRecipient`.
    func checkRecipient(_ localPart: Span<UInt8>, at domain: Span<UInt8>, from client: ClientInfo) -> RecipientVerdict

    /// Takes a complete message.
    ///
    /// - Returns: The answer to the final dot. A failed future is answered with 451. The connection reads nothing
    ///   until it is fulfilled; when the client has gone by then, the answer is dropped.
    func receive(
        _ transaction: ReceivedTransaction, from client: ClientInfo, on eventLoop: any EventLoop
    ) -> EventLoopFuture<Reply>
}

extension MailReceiver {
    package func mailRefusal() -> ServerReply? { nil }
}

/// Whether a client is served, and how.
package enum Admission: Sendable {
    /// `offersTLS` of the configuration is set by the listener: true where there is a TLS context.
    case serve(ServerSession.Configuration, tls: NIOSSLContext?)
    /// A reply of 421 or 554 instead of the greeting (RFC 5321 §3.1).
    case refuse(Reply)
}
