import ArgumentParser
import Foundation
import MailModel
import NIOCore
import NIOPosix
import SMTPProtocol
import SMTPTransport

/// One run of `send`, from its options to its exit code.
struct SendRun {
    private let command: SendCommand
    private let content: SendContent
    private let server: HostEndpoint

    init(_ command: SendCommand, _ content: SendContent) {
        (self.command, self.content) = (command, content)
        server = command.server ?? HostEndpoint(host: "127.0.0.1", port: 2525)
    }

    func run() async throws {
        let target = try target()
        let sessions = min(command.sessions, command.count)
        let envelope = command.envelope
        let report = SendReport(
            server: server, recipients: envelope.recipients, isJSON: command.json,
            isDetailed: command.count <= 10 || command.verbose)
        let transaction = OutboundTransaction(
            reversePath: envelope.from, recipients: envelope.recipients, content: ByteBuffer(),
            smtpUTF8: content.isInternationalized, body: content.body, envelopeID: envelope.envid,
            returnContent: envelope.ret)
        let work = SendWork(
            transaction, content, count: command.count, wantsDSN: envelope.wantsDSN, report: report)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: min(sessions, System.coreCount))
        let start = ContinuousClock.now
        let ends = (1...sessions).map { number in
            SendSession.run(work, target, on: group.next(), transcript: transcript(sessions > 1 ? "[\(number)] " : ""))
        }
        for end in ends { try await end.get() }
        let code = report.end(count: command.count, elapsed: ContinuousClock.now - start)
        try await group.shutdownGracefully()
        if let code { throw code }
    }

    private func target() throws -> OutboundConnection.Target {
        let address: SocketAddress
        do {
            address = try SocketAddress.makeAddressResolvingHost(server.host, port: server.port)
        } catch {
            throw Exit.saying("send: --server \(server): the name has no address: \(error)", Exit.unreachable)
        }
        let policy: TLSPolicy =
            switch command.session.tls {
            case .none: .none
            case .opportunistic: .opportunistic
            case .required: .required(verify: false)
            case .verified: .required(verify: true)
            }
        return OutboundConnection.Target(
            address: address, hostName: server.host, ehloName: command.session.ehlo ?? Self.hostName, tls: policy,
            timeouts: timeouts)
    }

    private var timeouts: ClientTimeouts {
        var timeouts = ClientTimeouts()
        guard let limit = command.session.timeout.map({ TimeAmount($0) }) else { return timeouts }
        timeouts.connect = min(timeouts.connect, limit)
        (timeouts.greeting, timeouts.ehlo, timeouts.startTLS) = (limit, limit, limit)
        (timeouts.mail, timeouts.rcpt, timeouts.data) = (limit, limit, limit)
        (timeouts.block, timeouts.acknowledgement) = (limit, limit)
        timeouts.quit = min(timeouts.quit, limit)
        return timeouts
    }

    private func transcript(_ prefix: String) -> SMTPClient.Transcript? {
        guard command.verbose else { return nil }
        return { line in
            let shown =
                switch line {
                case .sent(let text): "> \(DialogueText.visible(text))"
                case .received(let text): "< \(DialogueText.visible(text))"
                case .content(let octets): "> <\(octets) octets of content>"
                case .secured(let facts): "* \(facts?.version ?? "TLS") \(facts?.cipher ?? "")"
                }
            ToolFile.standardError.say(prefix + shown)
        }
    }

    /// What is not fit for EHLO (RFC 5321 §4.1.1.1) is no help to a server.
    private static var hostName: String {
        let name = ProcessInfo.processInfo.hostName
        return Domain(normalizing: name)?.name ?? "localhost"
    }
}
