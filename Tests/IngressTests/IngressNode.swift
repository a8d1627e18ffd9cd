import Ingress
import Logging
import MailModel
import MailTestKit
import NIOCore
import NIOPosix
import NodeRuntime
import SMTPProtocol
import SMTPTransport
import ServiceLifecycle
import Testing

/// The ingress role in this process, with a listener for trusted clients and one for others.
final class IngressNode: Sendable {
    let spool = FakeSpool()
    let metrics = MetricsRegistry()
    let inside: Int
    let outside: Int
    let configuration: NodeConfiguration
    let service: IngressService
    private let group: ServiceGroup
    private let task: Task<Void, any Error>

    /// - Parameters:
    ///   - settings: Lines of YAML below `ingress:`.
    ///   - outsideSettings: Further keys of the listener for others, as `, xclient: {…}`.
    init(
        settings: String = "", relayFrom: String = "[]", outsideSettings: String = "",
        _ change: (inout NodeConfiguration) -> Void = { _ in }
    ) async throws {
        let ports = try LoopbackPort.free(2)
        (inside, outside) = (ports[0], ports[1])
        var configuration = try NodeConfiguration.parse(
            text: """
                node: node1
                ingress:
                  hostname: mta.test
                  domains: [own.test, Other.test]
                  listeners:
                    - {address: "127.0.0.1:\(ports[0])", name: inside}
                    - {address: "127.0.0.1:\(ports[1])", name: outside, relay_from: \(relayFrom)\(outsideSettings)}
                  \(settings)
                  wish_headers: {X-Job: X-Apus-Campaign}
                """, file: "test.yaml", hostName: Domain(canonical: "mta.test"))
        change(&configuration)
        self.configuration = configuration
        var logger = Logger(label: "test")
        logger.handler = SwiftLogNoOpLogHandler()
        let (isReady, becameReady) = AsyncStream<Void>.makeStream()
        service = IngressService(
            configuration, spool: spool, loops: MultiThreadedEventLoopGroup.singleton, metrics: metrics,
            logger: logger, started: { becameReady.finish() })
        let group = ServiceGroup(services: [service], logger: logger)
        self.group = group
        task = Task {
            defer { becameReady.finish() }
            try await group.run()
        }
        for await _ in isReady {}
    }

    func stop() async throws {
        await group.triggerGracefulShutdown()
        try await task.value
    }

    /// Sends one message and returns what happened to each recipient.
    func send(
        to recipients: [String], fields: String = "", through port: Int? = nil, body: String = "hello"
    ) async throws -> [RecipientResult] {
        let content = fields + "Message-ID: <m@test>\r\nSubject: s\r\n\r\n\(body)\r\n"
        let transaction = OutboundTransaction(
            reversePath: try #require(ReversePath("from@client.test")),
            recipients: try recipients.enumerated().map {
                Recipient(mailbox: try #require(Mailbox($1)), index: $0)
            }, content: ByteBuffer(string: content))
        let target = OutboundConnection.Target(
            address: try SocketAddress(ipAddress: "127.0.0.1", port: port ?? inside), hostName: "mta.test",
            ehloName: "client.test", tls: .none)
        return try await SMTPClient.send(
            transaction, to: target, on: MultiThreadedEventLoopGroup.singleton.next()
        ).perRecipient
    }
}

extension RecipientResult {
    var reply: Reply? {
        switch self {
        case .delivered(let reply): reply
        case .failed(let failure): failure.reply
        }
    }

    /// `250 2.0.0`.
    var codes: String { reply.map { "\($0.code) \($0.enhanced ?? "-")" } ?? "no reply" }
}
