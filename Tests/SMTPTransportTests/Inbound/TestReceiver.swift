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
        var expectsProxyHeader = false
        /// For clients to be admitted.
        var trusted: Set<String> = []
        var refused: Set<String> = []
        var mayOverride = false
        /// Clients as they were admitted.
        var admitted: [ClientInfo] = []
        var noted: [ConnectionEvent] = []
        /// Refused commands until the client is sent away.
        var refusalsAllowed = Int.max
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

    func expectsProxyHeader(from client: ClientInfo) -> Bool { state.withLock { $0.expectsProxyHeader } }

    func admit(_ client: inout ClientInfo) -> Admission {
        state.withLock { state in
            client.isTrusted = !client.isUnknown && state.trusted.contains(client.address)
            client.mayOverride = state.mayOverride
            state.admitted.append(client)
            if state.refused.contains(client.address) { return .refuse(Reply(ServerReply.connectingTooFast)) }
            var configuration = configuration
            configuration.offersXCLIENT = state.mayOverride
            return .serve(configuration, tls: tls)
        }
    }

    func refused(_ count: Int, of client: ClientInfo) -> ServerReply? {
        state.withLock { state in
            state.refusalsAllowed -= count
            return state.refusalsAllowed < 0 ? .tooManyRefusals : nil
        }
    }

    func noted(_ event: ConnectionEvent, of client: ClientInfo) { state.withLock { $0.noted.append(event) } }

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
