import ArgumentParser
import Foundation
import MailModel
import NIOCore
import NIOPosix
import NIOSSL
import NodeRuntime
import SMTPProtocol
import SMTPTransport
import Synchronization

/// One run of the sink, from its options to its totals.
struct SinkRun {
    /// Time for transactions under way when it ends.
    private static let shutdownLimit = TimeAmount.seconds(2)
    /// Octets of content in memory.
    static let memoryLimit = 2_000_000_000

    private let command: SinkCommand

    init(_ command: SinkCommand) { self.command = command }

    func run() async throws {
        let signals = ProcessSignals.termination()
        FileLimit.raise()
        let (ended, end) = AsyncStream<Void>.makeStream()
        let watch = Task { for await _ in signals { end.yield() } }
        defer { watch.cancel() }
        let receiver = SinkReceiver(try configuration()) {
            end.yield()
        } onError: { error in
            // Whoever read what is printed has gone, and waits for nothing more.
            if (error as? ToolFileError)?.code == EPIPE {
                end.yield()
            } else {
                ToolFile.standardError.say("apus: sink: \(error)")
            }
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: command.connections.threads ?? System.coreCount)
        let listeners = try await listen(receiver, group)
        let progress = command.count ? SinkProgress.start(receiver.totals, on: group.next()) : nil
        for await _ in ended { break }
        progress?.cancel()
        for listener in listeners { try await listener.shutdown(within: Self.shutdownLimit).get() }
        if !command.quiet {
            let (totals, arrivals) = (receiver.totals, receiver.arrivals)
            ToolFile.standardOutput.say(
                command.json ? totals.json(with: arrivals) : ByteBuffer(string: totals.text(with: arrivals)))
        }
        try await group.shutdownGracefully()
    }

    private func listen(_ receiver: SinkReceiver, _ group: MultiThreadedEventLoopGroup) async throws -> [SMTPListener] {
        let gauge = ContentGauge(limit: Self.memoryLimit)
        let addresses =
            command.addresses.isEmpty ? [HostEndpoint(host: "127.0.0.1", port: 2600)] : command.addresses
        var listeners: [SMTPListener] = []
        for address in addresses {
            var configuration = SMTPListener.Configuration(name: "sink", host: address.host, port: address.port)
            configuration.connectionLimit = command.connections.connections
            configuration.unproductiveTimeout = .hours(24)
            let listener: SMTPListener
            do {
                listener = try await SMTPListener.bind(configuration, receiver: receiver, gauge: gauge, group: group)
                    .get()
            } catch {
                let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
                throw Exit.saying("sink: cannot listen on \(address): \(reason)", Exit.unreachable)
            }
            listeners.append(listener)
            if !command.quiet { announce(listener.localAddress) }
        }
        return listeners
    }

    private func announce(_ address: SocketAddress?) {
        guard let host = address?.ipAddress, let port = address?.port else { return }
        let text = HostEndpoint(host: host, port: port).description
        guard command.json else { return ToolFile.standardOutput.say("Listening on \(text)") }
        var json = JSONObjectWriter(into: ByteBuffer())
        json.field("listening", text)
        ToolFile.standardOutput.say(json.finish())
    }

    private func configuration() throws -> SinkReceiver.Configuration {
        var configuration = SinkReceiver.Configuration(
            session: .sink(hostname: command.connections.hostname), rules: command.answers.rules)
        configuration.refusesConnections = command.connections.refuseConnections
        configuration.messagesPerConnection = command.connections.closeAfter
        configuration.messageLimit = command.maxMessages
        let options = command.archive
        let archive = SinkArchive.Configuration(
            directory: options.keep, recordFile: options.record, recordedHeaders: options.recordHeader,
            prints: options.prints, printsJSON: command.json)
        do {
            if !archive.isEmpty { configuration.archive = try SinkArchive(archive) }
        } catch {
            throw Exit.saying("sink: cannot keep messages: \(error)", Exit.configuration)
        }
        configuration.tls = try tls()
        return configuration
    }

    private func tls() throws -> NIOSSLContext? {
        guard let certificate = command.connections.tlsCertificate, let key = command.connections.tlsKey else {
            return nil
        }
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificate).map { NIOSSLCertificateSource.certificate($0) }
            let key = try NIOSSLPrivateKey(file: key, format: .pem)
            return try NIOSSLContext(
                configuration: .makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key)))
        } catch {
            throw Exit.saying("sink: cannot use \(certificate) with \(key): \(error)", Exit.configuration)
        }
    }
}

extension ServerSession.Configuration {
    /// Bears nearly everything: a sink is there to take mail, not to judge it.
    static func sink(hostname: String) -> ServerSession.Configuration {
        let messageLimit = 100_000_000
        var session = ServerSession.Configuration(hostname: hostname)
        session.greeting = "Apus sink"
        session.sizeLimit = messageLimit
        session.recipientLimit = 100_000
        session.errorLimit = .max
        session.idleCommandLimit = .max
        session.contentHeadroom = 0
        session.bareLineFeed = .convert
        session.acceptsNUL = true
        session.headerLimit = messageLimit
        session.receivedLimit = .max
        return session
    }
}

/// Says once a second how many messages came.
enum SinkProgress {
    static func start(_ totals: SinkTotals, on loop: any EventLoop) -> RepeatedTask {
        let last = NIOLoopBoundBox.makeBoxSendingValue(0, as: Int.self, eventLoop: loop)
        return loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            let count = totals.messages.load(ordering: .relaxed)
            let failures =
                totals.temporaryFailures.load(ordering: .relaxed) + totals.permanentFailures.load(ordering: .relaxed)
            let line = "\(count) messages, \(count - last.value)/s, \(failures) failures"
            last.value = count
            ToolFile.standardError.say(line)
        }
    }
}
