package import MailModel
package import NIOCore
import NIOPosix
package import NIOSSL
package import SMTPProtocol

/// What a connection tells the lane that opened it, on the lane's event loop.
package protocol OutboundConnectionDelegate: AnyObject {
    /// Greeting, EHLO and TLS are done; `begin` may be called, also from here.
    func connectionReady(_ connection: OutboundConnection)
    /// The transaction is over. `begin` may be called, also from here, if `result.connectionUsable`.
    func connection(_ connection: OutboundConnection, finished result: TransactionResult)
    /// The socket is closed; the last call. A transaction that it cut short was finished before, with this failure.
    ///
    /// - Parameter failure: `nil` after a polite `close`.
    func connectionEnded(_ connection: OutboundConnection, failure: Failure?)
}

/// One SMTP or LMTP connection to a host, from connecting to its end. Lives on one event loop, as its delegate does.
///
/// The delegate is kept until `connectionEnded`, which comes exactly once, and never from inside `open`. Each
/// transaction is finished exactly once. How long the connection may be idle is the delegate's business.
package final class OutboundConnection {
    package struct Target: Sendable {
        /// Of a host, or of a Unix socket.
        package var address: SocketAddress
        /// Name of the MX host, for SNI and the certificate.
        package var hostName: String
        package var ehloName: String
        /// Address to send from; its port is 0 as a rule. Nothing for a Unix socket.
        package var source: SocketAddress?
        package var tls: TLSPolicy
        package var timeouts: ClientTimeouts
        package var dialect: ClientSession.Dialect
        /// BDAT in place of DATA where the host offers CHUNKING.
        package var chunking: Bool
        /// Instead of the process's own contexts, for other trust roots. It has to fit `tls`.
        package var tlsContext: NIOSSLContext?

        package init(
            address: SocketAddress, hostName: String, ehloName: String, source: SocketAddress? = nil,
            tls: TLSPolicy = .opportunistic, timeouts: ClientTimeouts = ClientTimeouts(),
            dialect: ClientSession.Dialect = .smtp, chunking: Bool = false, tlsContext: NIOSSLContext? = nil
        ) {
            self.address = address
            self.hostName = hostName
            self.ehloName = ehloName
            self.source = source
            self.tls = tls
            self.timeouts = timeouts
            self.dialect = dialect
            self.chunking = chunking
            self.tlsContext = tlsContext
        }
    }

    package struct Facts: Sendable {
        package var remoteAddress: SocketAddress
        package var hostName: String
        /// With the port the kernel chose; `nil` until connected.
        package var localAddress: SocketAddress?
        /// `nil` in clear.
        package var tls: TLSFacts?
        package var connectMilliseconds = 0
        /// Transactions begun.
        package var transactions = 0
        /// From MAIL to the end of the latest transaction.
        package var transferMilliseconds = 0
    }

    /// What there is to see of a session, line by line, without line ends. As the peer wrote it: who shows it to people
    /// makes it fit for them.
    package enum DialogueLine: Sendable {
        case sent(String)
        case received(String)
        /// Content that was handed to the socket, final dot included; one for each transaction.
        case content(octets: Int)
        case secured(TLSFacts?)
    }

    package typealias Transcript = (DialogueLine) -> Void

    package let target: Target
    package let loop: any EventLoop
    package internal(set) var facts: Facts
    private let handler: ClientHandler
    private var delegate: (any OutboundConnectionDelegate)?
    private var connectStart = NIODeadline.distantPast
    private var transferStart = NIODeadline.distantPast

    /// Starts to connect. Called on `loop`.
    package static func open(
        _ target: Target, on loop: any EventLoop, delegate: any OutboundConnectionDelegate,
        transcript: Transcript? = nil
    ) -> OutboundConnection {
        loop.preconditionInEventLoop()
        let connection = OutboundConnection(target, loop, delegate, transcript)
        connection.handler.connection = connection
        connection.connect()
        return connection
    }

    private init(
        _ target: Target, _ loop: any EventLoop, _ delegate: any OutboundConnectionDelegate, _ transcript: Transcript?
    ) {
        self.target = target
        self.loop = loop
        self.delegate = delegate
        facts = Facts(remoteAddress: target.address, hostName: target.hostName)
        handler = ClientHandler(target, loop: loop, transcript: transcript)
    }

    /// Ready for a transaction.
    package var isIdle: Bool { delegate != nil && handler.isIdle }

    /// Given the dialogue from now on; costs nothing while it is `nil`.
    package var transcript: Transcript? {
        get { handler.transcript }
        set { handler.transcript = newValue }
    }

    /// Since it began to connect.
    package var age: TimeAmount { NIODeadline.now() - connectStart }

    /// Extensions the host offered, once ready.
    package var offered: OfferedExtensions { handler.offered }

    /// Starts a transaction; only when `isIdle`. MAIL is handed to the socket before this returns, or, when called
    /// from a callback, right after that returns; not at all if the host lacks an extension the message needs.
    package func begin(_ transaction: OutboundTransaction) {
        precondition(isIdle, "a transaction begins on an idle connection")
        facts.transactions += 1
        transferStart = .now()
        handler.begin(transaction)
    }

    /// Ends the connection: with QUIT when it is idle, unless `immediately`; at once otherwise.
    package func close(immediately: Bool = false) {
        guard delegate != nil else { return }
        if handler.isConnected { return handler.close(immediately: immediately) }
        ended(Failure(stage: .connect, cause: .local, text: "the connection was closed"))
    }

    // What the handler reports.

    func connected(from local: SocketAddress?) {
        facts.localAddress = local
        facts.connectMilliseconds = Int((NIODeadline.now() - connectStart).nanoseconds / 1_000_000)
    }

    func becameReady() { delegate?.connectionReady(self) }

    func finished(_ result: TransactionResult) {
        facts.transferMilliseconds = Int((NIODeadline.now() - transferStart).nanoseconds / 1_000_000)
        delegate?.connection(self, finished: result)
    }

    func ended(_ failure: Failure?) {
        guard let last = delegate else { return }
        delegate = nil
        handler.connection = nil
        last.connectionEnded(self, failure: failure)
    }
}

extension OutboundConnection {
    /// IP_BIND_ADDRESS_NO_PORT of Linux: the port is chosen at connect, so that one source address can have as many
    /// connections to each host as there are ports, not to all hosts together.
    private static let bindAddressNoPort = ChannelOptions.Types.SocketOption(
        level: .ip, name: NIOBSDSocket.Option(rawValue: 24))

    private func connect() {
        if let source = target.source, source.protocol != target.address.protocol {
            // Deferred, as the caller does not have the connection yet.
            return loop.assumeIsolated().execute {
                self.ended(Failure(stage: .connect, cause: .local, text: "the source has no address of this family"))
            }
        }
        let bound = NIOLoopBound(handler, eventLoop: loop)
        var bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(target.timeouts.connect)
            // Replies are short, and one read shows all of a pipelined group.
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 2048))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
        if let source = target.source {
            bootstrap = bootstrap.bind(to: source)
            #if os(Linux)
                if source.port == 0 { bootstrap = bootstrap.channelOption(Self.bindAddressNoPort, value: 1) }
            #endif
        }
        connectStart = .now()
        // NIO may fail at once, and the delegate is never called from inside `open`.
        bootstrap.connect(to: target.address).assumeIsolated().whenFailure { error in
            self.loop.assumeIsolated().execute { self.ended(.connecting(error)) }
        }
    }
}
