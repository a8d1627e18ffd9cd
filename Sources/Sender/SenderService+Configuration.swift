import DeliveryPolicy
import Logging
import MailModel
import NIOCore
package import NodeRuntime
import SMTPProtocol
import Synchronization

extension SenderService: Reconfigurable {
    package func prepare(_ configuration: NodeConfiguration) throws -> @Sendable () async -> Void {
        let pools = try SourcePools(configuration.sender)
        let router = try router(configuration)
        let rules = PatternLimitLog(configuration.sender.bounces, metrics: metrics, logger: logger)
        let settings = LaneGroup.Settings(configuration.sender)
        return { [self] in
            tags.withLock { $0 = settings.tags }
            gauge.set(limit: configuration.sender.maxUncommitted)
            for group in groups { await onLoop(group.loop) { group.reconfigure(settings, bounces: rules) } }
            guard let dispatcher = current else { return }
            await onLoop(dispatcher.loop) {
                dispatcher.reconfigure(
                    .init(configuration), router: router, pools: pools, retry: RetryPolicy(configuration.sender.retry))
            }
        }
    }
}

extension SenderService {
    /// Reads the tables of transports.
    func router(_ configuration: NodeConfiguration) throws(ConfigurationError) -> Router {
        let tables = try TransportTables.load(configuration)
        for warning in tables.warnings.prefix(ConfigurationError.shown) {
            logger.warning("a line of a table is not used as it stands", metadata: [LogKey.reason: "\(warning)"])
        }
        return Router(routes: configuration.routes, sender: configuration.sender, transports: tables)
    }
}

extension Dispatcher.Settings {
    init(_ configuration: NodeConfiguration) {
        let sender = configuration.sender
        self.init(
            node: configuration.node, hostname: configuration.ingress.hostname, lifetime: sender.lifetime,
            commitInterval: TimeAmount(sender.commitInterval), commitSize: sender.commitSize,
            readyMessages: sender.ready.messages, readyBytes: sender.ready.memory,
            totalBytes: sender.ready.totalMemory, queueLimit: sender.maxQueued,
            noticeReturn: sender.dsn.return == .full ? .full : .headers,
            delayAfter: sender.dsn.delay, delayFor: sender.dsn.delayFor,
            drainTime: TimeAmount(sender.drainTime),
            verp: Dictionary(sender.verp.map { ($0.pool, $0.template) }) { first, _ in first },
            suppression: sender.suppression)
    }
}

extension LaneGroup.Settings {
    init(_ sender: SenderConfiguration) {
        var timeouts = ClientTimeouts()
        timeouts.connect = TimeAmount(sender.timeouts.connect)
        timeouts.greeting = TimeAmount(sender.timeouts.greeting)
        timeouts.ehlo = TimeAmount(sender.timeouts.ehlo)
        timeouts.mail = TimeAmount(sender.timeouts.mail)
        timeouts.rcpt = TimeAmount(sender.timeouts.rcpt)
        timeouts.data = TimeAmount(sender.timeouts.data)
        timeouts.block = TimeAmount(sender.timeouts.content)
        timeouts.acknowledgement = TimeAmount(sender.timeouts.acknowledgement)
        let family: NIOBSDSocket.ProtocolFamily? =
            switch sender.family {
            case .both: nil
            case .ipv4: .inet
            case .ipv6: .inet6
            }
        self.init(
            timeouts: timeouts,
            backOff: BackOff(first: sender.deadHost.first, maximum: sender.deadHost.max), family: family,
            tags: TraceTags(sender.traceTag))
    }
}

extension RetryPolicy {
    init(_ retry: RetryConfiguration) {
        var rules: [ErrorClass: Rule] = [:]
        for name in RetryClass.allCases {
            guard let errorClass = ErrorClass(rawValue: name.rawValue) else { continue }
            rules[errorClass] = Rule(retry.rule(for: name))
        }
        self.init(rules: rules, fallback: Rule(retry.default))
    }
}

extension RetryPolicy.Rule {
    init(_ rule: RetryRule) {
        self.init(first: rule.first, factor: rule.factor, maximum: rule.max, jitter: rule.jitter)
    }
}
