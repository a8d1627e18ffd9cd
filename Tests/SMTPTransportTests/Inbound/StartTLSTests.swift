import Foundation
import MailModel
import NIOCore
import NIOPosix
import NIOSSL
import SMTPProtocol
import SMTPTransport
import Testing

@Suite struct StartTLSTests {
    /// A key and a self-signed certificate made for this run by the `openssl` command.
    private static func serverContext() throws -> NIOSSLContext {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }  // a left-over key of a test harms nobody
        let (key, certificate) = (folder.path + "/key.pem", folder.path + "/cert.pem")
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        openssl.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=mx.test", "-keyout", key, "-out", certificate,
        ]
        openssl.standardError = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
                privateKey: .privateKey(NIOSSLPrivateKey(file: key, format: .pem))))
    }

    private static func clientHandler() throws -> any ChannelHandler {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        return try NIOSSLClientHandler(context: NIOSSLContext(configuration: configuration), serverHostname: "mx.test")
    }

    private func listener(_ receiver: TestReceiver, startsWithTLS: Bool = false) async throws -> SMTPListener {
        var configuration = SMTPListener.Configuration(name: "test", host: "127.0.0.1", port: 0)
        configuration.startsWithTLS = startsWithTLS
        return try await SMTPListener.bind(
            configuration, receiver: receiver, gauge: ContentGauge(limit: 1 << 30),
            group: MultiThreadedEventLoopGroup.singleton
        ).get()
    }

    private func sendMessage(_ client: LoopbackClient) async throws {
        try await client.send("HELO d\r\nMAIL FROM:<a@src.test>\r\nRCPT TO:<b@dst.test>\r\nDATA\r\n")
        for code in ["250 mx.test", "250 2.1.0", "250 2.1.5", "354"] {
            #expect(try await client.line().hasPrefix(code))
        }
        try await client.send("x\r\n.\r\nQUIT\r\n")
        #expect(try await client.line() == "250 2.0.0 queued")
        #expect(try await client.line().hasPrefix("221"))
        #expect(try await client.isClosedByPeer())
    }

    @Test func startTLS() async throws {
        let receiver = TestReceiver(tls: try Self.serverContext()) { $0.requiresTLS = true }
        let listener = try await listener(receiver)
        let client = try await LoopbackClient(listener)
        #expect(try await client.line().hasPrefix("220"))
        try await client.send("EHLO c\r\n")
        var offer: [String] = []
        repeat { offer.append(try await client.line()) } while !offer[offer.count - 1].hasPrefix("250 ")
        #expect(offer.contains("250-STARTTLS"))
        try await client.send("MAIL FROM:<a@src.test>\r\n")
        #expect(try await client.line().hasPrefix("530 5.7.0"))
        // What is sent along with STARTTLS in clear must not be run inside TLS.
        try await client.send("STARTTLS\r\nMAIL FROM:<injected@evil.test>\r\n")
        #expect(try await client.line().hasPrefix("220 2.0.0"))
        try await client.addFirst { try Self.clientHandler() }
        try await sendMessage(client)
        let tls = try #require(receiver.received.first?.tls)
        #expect(tls.version == "TLSv1.3" && tls.cipher == "TLS_AES_128_GCM_SHA256")
        #expect(receiver.clients.first?.tls == tls)
        try await listener.shutdown(within: .seconds(5)).get()
    }

    @Test func tlsFromTheStart() async throws {
        let receiver = TestReceiver(tls: try Self.serverContext())
        let listener = try await listener(receiver, startsWithTLS: true)
        let client = try await LoopbackClient(listener) { channel in
            try channel.pipeline.syncOperations.addHandler(try Self.clientHandler())
        }
        #expect(try await client.line().hasPrefix("220"))
        try await sendMessage(client)
        #expect(receiver.received.first?.tls?.version == "TLSv1.3")
        try await listener.shutdown(within: .seconds(5)).get()
    }

    @Test func brokenHandshakeEndsTheConnection() async throws {
        let receiver = TestReceiver(tls: try Self.serverContext())
        let listener = try await listener(receiver)
        let client = try await LoopbackClient(listener)
        try await client.send("EHLO c\r\nSTARTTLS\r\n")
        while try await !client.line().hasPrefix("220 2.0.0") {}
        try await client.send("no hello at all\r\n")
        while (try? await client.line()) != nil {}  // an alert may come before the end
        try await listener.shutdown(within: .seconds(5)).get()
        #expect(listener.connections == 0)
        #expect(receiver.received.isEmpty)
    }
}
