import LocalSpool
import MailModel
import MailTestKit
import NIOCore
import NodeRuntime
import Spool
import Testing

/// A spool in a directory of its own, and messages for it.
final class Fixture: Sendable {
    let directory: ScratchDirectory
    let spool: any Spool
    let events: EventLog

    /// - Parameter partitions: Of `mail` and `schedule`.
    init(partitions: Int = 4) async throws {
        directory = try ScratchDirectory("apus-sender")
        var configuration = LocalSpoolConfiguration(directory: directory.path)
        configuration.partitions[.mail] = partitions
        configuration.partitions[.schedule] = partitions
        configuration.partitions[.events] = min(2, partitions)
        configuration.cleaningInterval = nil
        spool = try LocalSpool.open(configuration)
        events = try await EventLog(spool)
    }

    /// A node on the spool, with faults of its own.
    func start(_ configuration: NodeConfiguration, _ rules: SpoolProxy.Rules = .init()) async throws -> SenderNode {
        try await SenderNode(configuration, SpoolProxy(spool, rules))
    }

    func close() async { await spool.close() }

    /// - Parameters:
    ///   - routes: Lines under `routes:`, or one relay port for everything.
    ///   - retry: First and longest wait between attempts, below what a file may say.
    static func configuration(
        routes: String, retry: Duration = .milliseconds(40), _ change: (inout SenderConfiguration) -> Void = { _ in }
    ) throws -> NodeConfiguration {
        var configuration = try NodeConfiguration.parse(
            text: """
                node: node1
                ingress: {hostname: mta.test, listeners: []}
                sender:
                  tls: none
                  commit_interval: 5ms
                  lane: {connection_rate: unlimited}
                  retry: {greylisting: {first: 1s}, quota: {first: 1s}}
                routes:
                \(routes.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n"))
                """, file: "test.yaml", hostName: Domain(canonical: "mta.test"))
        configuration.sender.retry.default = RetryRule(first: retry, factor: 1.5, max: retry * 3, jitter: 0.2)
        configuration.sender.deadHost.first = .milliseconds(30)
        configuration.sender.deadHost.max = .milliseconds(100)
        change(&configuration.sender)
        return configuration
    }

    static func relay(_ ports: Int...) -> String {
        "\"*\": {relay: [\(ports.map { "127.0.0.1:\($0)" }.joined(separator: ", "))]}"
    }

    static func mailbox(_ text: String) throws -> Mailbox { try #require(Mailbox(text)) }

    /// - Parameter from: Empty for the null reverse-path.
    static func message(
        to recipients: [String], from: String = "origin@origin.test", notify: Notify? = nil, dsn: Bool = false,
        lifetime: Duration? = nil, queueID: QueueID? = nil, part: Int = 0, parts: Int = 1
    ) throws -> MessageRecord {
        var random = SystemRandomNumberGenerator()
        let id = queueID ?? QueueID(time: .now(), using: &random)
        var origin = Origin()
        origin.node = "node1"
        origin.listener = "test"
        origin.failureDSN = dsn
        var wishes = Wishes()
        wishes.lifetime = lifetime
        let content = "Message-ID: <\(id)@test>\r\nSubject: \(id)\r\n\r\nbody\r\n"
        return MessageRecord(
            queueID: id, part: part, parts: parts, arrival: .now(),
            envelope: Envelope(
                reversePath: try #require(ReversePath(from)),
                recipients: try recipients.enumerated().map {
                    Recipient(mailbox: try mailbox($1), index: part * 100 + $0, notify: notify)
                }),
            wishes: wishes, origin: origin, messageID: "<\(id)@test>", content: ByteBuffer(string: content))
    }
}

extension ScriptedPeer.Mail {
    /// Of the message's subject.
    var queueID: String {
        let line = content.split(separator: "\r\n").first { $0.hasPrefix("Subject: ") }
        return String(line?.dropFirst(9) ?? "")
    }
}
