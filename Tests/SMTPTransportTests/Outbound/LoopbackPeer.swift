import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// An SMTP server on loopback that answers as it is told and remembers what it saw.
final class LoopbackPeer: Sendable {
    struct Behaviour: Sendable {
        var greeting = "220 peer ESMTP"
        /// Reply to each verb, whole; an empty one is never sent, `close` closes the connection.
        var replies: [String: String] = [
            "EHLO": "250-peer\r\n250 PIPELINING", "LHLO": "250-peer\r\n250 PIPELINING", "MAIL": "250 2.1.0 ok",
            "RCPT": "250 2.1.5 ok", "DATA": "354 go", ".": "250 2.0.0 queued", "RSET": "250 ok", "QUIT": "221 bye",
        ]
        /// Puts TLS on the connection after the reply to STARTTLS.
        var tls: NIOSSLContext?
    }

    struct Log: Sendable {
        var clients: [SocketAddress] = []
        var lines: [String] = []
        var contents: [ByteBuffer] = []
    }

    let address: SocketAddress
    private let channel: any Channel
    private let log: Record

    /// Shared by the peer and its connections.
    fileprivate final class Record: Sendable {
        let value = Mutex(Log())
    }

    var seen: Log { log.value.withLock { $0 } }

    init(_ behaviour: Behaviour = Behaviour()) async throws {
        let log = Record()
        self.log = log
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(PeerHandler(behaviour, log))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        address = channel.localAddress!
    }

    func stop() async throws { try await channel.close() }
}

private final class PeerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let behaviour: LoopbackPeer.Behaviour
    private let log: LoopbackPeer.Record
    private var input = ByteBuffer()
    private var isContent = false
    /// Agreed to TLS and cannot speak it: whatever comes is no command.
    private var isLost = false

    init(_ behaviour: LoopbackPeer.Behaviour, _ log: LoopbackPeer.Record) {
        self.behaviour = behaviour
        self.log = log
    }

    func channelActive(context: ChannelHandlerContext) {
        log.value.withLock { $0.clients.append(context.remoteAddress!) }
        answer(behaviour.greeting, context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if isLost { return answer("502 unknown", context) }
        input.writeBuffer(&bytes)
        while isContent ? readContent(context) : readCommand(context) {}
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func readContent(_ context: ChannelHandlerContext) -> Bool {
        let tail = input.viewBytes(
            at: input.writerIndex - min(5, input.readableBytes), length: min(5, input.readableBytes))
        let isLone = input.readableBytes == 3 && tail!.elementsEqual(".\r\n".utf8)
        guard isLone || tail!.elementsEqual("\r\n.\r\n".utf8) else { return false }
        log.value.withLock {
            $0.contents.append(input.getSlice(at: input.readerIndex, length: input.readableBytes - 3)!)
        }
        input.clear()
        isContent = false
        answer(behaviour.replies["."]!, context)
        return true
    }

    private func readCommand(_ context: ChannelHandlerContext) -> Bool {
        guard let end = input.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else { return false }
        let line = input.readString(length: end - input.readerIndex + 1)!.trimmingCharacters(
            in: .whitespacesAndNewlines)
        log.value.withLock { $0.lines.append(line) }
        let verb = String(line.prefix(while: { $0 != " " }))
        answer(behaviour.replies[verb] ?? "502 unknown", context)
        if verb == "DATA" && behaviour.replies[verb]!.hasPrefix("3") { isContent = true }
        if verb == "STARTTLS" {
            if let tls = behaviour.tls {
                try! context.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls), position: .first)
            } else {
                isLost = true
            }
        }
        if verb == "QUIT" { context.close(promise: nil) }
        return true
    }

    private func answer(_ reply: String, _ context: ChannelHandlerContext) {
        if reply == "close" { return context.close(promise: nil) }
        guard !reply.isEmpty else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: reply + "\r\n")), promise: nil)
    }
}

/// A self-signed certificate for mx.test, made by the openssl command.
enum SelfSigned {
    static let directory: URL = {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)")
        try! FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.currentDirectoryURL = directory
        process.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2", "-subj", "/CN=mx.test", "-addext", "subjectAltName=DNS:mx.test", "-keyout", "key.pem", "-out",
            "cert.pem",
        ]
        process.standardError = FileHandle.nullDevice
        try! process.run()
        process.waitUntilExit()
        return directory
    }()

    static var certificate: String { directory.appendingPathComponent("cert.pem").path }
    static var key: String { directory.appendingPathComponent("key.pem").path }

    static func serverContext(upTo version: TLSVersion = .tlsv13) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(certificate).map { NIOSSLCertificateSource.certificate($0) }
        let key = try NIOSSLPrivateKey(file: key, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(key))
        configuration.maximumTLSVersion = version
        return try NIOSSLContext(configuration: configuration)
    }

    /// A client context that trusts the certificate.
    static func trustingContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(certificate)
        return try NIOSSLContext(configuration: configuration)
    }
}
