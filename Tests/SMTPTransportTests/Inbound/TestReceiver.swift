import MailModel
import NIOCore
import NIOSSL
import SMTPProtocol
import SMTPTransport
import Synchronization

/// A role that takes everything but mail to `denied.test`, and keeps it. Its state is behind a lock.
final class TestReceiver: MailReceiver {
    struct State {
        var received: [(transaction: ReceivedTransaction, client: ClientInfo)] = []
        /// Where set, answers wait until `answer` is called.
        var holdsAnswers = false
        var held: [EventLoopPromise<Reply>] = []
        var refusal: ServerReply?
    }

    let state = Mutex(State())
    let configuration: ServerSession.Configuration
    let tls: NIOSSLContext?

    init(tls: NIOSSLContext? = nil, _ change: (inout ServerSession.Configuration) -> Void = { _ in }) {
        var configuration = ServerSession.Configuration(hostname: "mx.test")
        change(&configuration)
        (self.configuration, self.tls) = (configuration, tls)
    }

    var received: [ReceivedTransaction] { state.withLock { $0.received.map(\.transaction) } }
    var clients: [ClientInfo] { state.withLock { $0.received.map(\.client) } }

    func answer(_ reply: Reply) {
        let held = state.withLock { state in
            defer { state.held = [] }
            return state.held
        }
        for promise in held { promise.succeed(reply) }
    }

    func admit(_ client: inout ClientInfo) -> Admission { .serve(configuration, tls: tls) }

    func mailRefusal() -> ServerReply? { state.withLock { $0.refusal } }

    func checkRecipient(_ localPart: Span<UInt8>, at domain: Span<UInt8>, from client: ClientInfo) -> RecipientVerdict {
        let denied: StaticString = "denied.test"
        guard domain.count == denied.utf8CodeUnitCount else { return .accept }
        for index in domain.indices where domain[index] != denied.utf8Start[index] { return .accept }
        return .refuse(.relayingDenied)
    }

    func receive(
        _ transaction: ReceivedTransaction, from client: ClientInfo, on eventLoop: any EventLoop
    ) -> EventLoopFuture<Reply> {
        let promise = eventLoop.makePromise(of: Reply.self)
        let isHeld = state.withLock { state in
            state.received.append((transaction, client))
            if state.holdsAnswers { state.held.append(promise) }
            return state.holdsAnswers
        }
        if !isHeld { promise.succeed(Reply(250, StatusDetail(0, 0), "queued")) }
        return promise.futureResult
    }
}
