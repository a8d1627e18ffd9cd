package import MailModel
package import NIOCore
package import NIOSSL
package import SMTPProtocol

/// The role behind a listener: says who may connect and what they may send, and takes the messages.
///
/// Every method is called on the event loop of the connection, and must not block it.
package protocol MailReceiver: AnyObject, Sendable {
    /// Whether the connection begins with a PROXY header; without one it is not served.
    func expectsProxyHeader(from client: ClientInfo) -> Bool

    /// Called once a connection, before the greeting, and again after each XCLIENT.
    func admit(_ client: inout ClientInfo) -> Admission

    /// Why no new mail can be taken now, of class 4; `nil` while it can. Asked once for each read, so it must be cheap.
    func mailRefusal() -> ServerReply?

    /// Judges one MAIL of a session that has `asksBeforeMail`; both spans are those of `ServerSession.withPendingSender`.
    func checkSender(_ localPart: Span<UInt8>, at domain: Span<UInt8>, from client: ClientInfo) -> SenderVerdict

    /// So many commands of the client were refused.
    ///
    /// - Returns: The reply to close the connection with.
    func refused(_ count: Int, of client: ClientInfo) -> ServerReply?

    /// Tells which transactions and recipients the session itself refused, in order. Told only where `toldRefusals` of
    /// its configuration is above 0.
    ///
    /// - Parameter more: Those that are beyond `toldRefusals`.
    func refused(_ refusals: [SessionRefusals.One], more: Int, of client: ClientInfo)

    /// Tells what happened to a connection outside its session.
    func noted(_ event: ConnectionEvent, of client: ClientInfo)

    /// Judges one RCPT, synchronously and, where no tables are asked, without allocating; both spans are those of
    /// `ServerSession.withPendingRecipient`.
    func checkRecipient(_ localPart: Span<UInt8>, at domain: Span<UInt8>, from client: ClientInfo) -> RecipientVerdict

    /// Asked about a recipient that `checkRecipient` takes, where that is not certain yet.
    ///
    /// - Returns: `nil` where it is. Else the connection reads nothing until the future is fulfilled: with a reply that
    ///   refuses the recipient, or with `nil`. A failed future takes it.
    func verifyRecipient(
        _ localPart: Span<UInt8>, at domain: Span<UInt8>, from client: ClientInfo, on eventLoop: any EventLoop
    ) -> EventLoopFuture<ServerReply?>?

    /// Takes a complete message.
    ///
    /// - Returns: The answer to the final dot. A failed future is answered with 451. The connection reads nothing
    ///   until it is fulfilled; when the client has gone by then, the answer is dropped.
    func receive(
        _ transaction: ReceivedTransaction, from client: ClientInfo, on eventLoop: any EventLoop
    ) -> EventLoopFuture<Reply>
}

extension MailReceiver {
    package func expectsProxyHeader(from client: ClientInfo) -> Bool { false }
    package func mailRefusal() -> ServerReply? { nil }
    package func checkSender(
        _ localPart: Span<UInt8>, at domain: Span<UInt8>, from client: ClientInfo
    ) -> SenderVerdict { .accept }
    package func verifyRecipient(
        _ localPart: Span<UInt8>, at domain: Span<UInt8>, from client: ClientInfo, on eventLoop: any EventLoop
    ) -> EventLoopFuture<ServerReply?>? { nil }
    package func refused(_ count: Int, of client: ClientInfo) -> ServerReply? { nil }
    package func refused(_ refusals: [SessionRefusals.One], more: Int, of client: ClientInfo) {}
    package func noted(_ event: ConnectionEvent, of client: ClientInfo) {}
}

package enum ConnectionEvent: Equatable, Sendable {
    /// A constant text; the connection was closed without a reply, as there was nobody to read it.
    case proxyHeaderRefused(String)
    /// The client wrote before the greeting.
    case earlyTalk
    /// The client has as many connections as one may have.
    case tooManyOfClient
}

/// Whether a client is served, and how.
package enum Admission: Sendable {
    /// `offersTLS` of the configuration is set by the listener: true where there is a TLS context.
    case serve(ServerSession.Configuration, tls: NIOSSLContext?)
    /// A reply of 421 or 554 instead of the greeting (RFC 5321 §3.1).
    case refuse(Reply)
}
