import DNSClient
import DeliveryPolicy
import Logging
import MailModel
import NIOCore
import NodeRuntime
import SMTPProtocol
import SMTPTransport
import Synchronization

/// Recipients of some domains are asked for at the domain's own host, before they are accepted here.
///
/// Results are kept in memory. Equal questions under way share one call-out; so many run at once, and a bounded number
/// waits: whatever is beyond is `unanswered`. May be used from any loop.
final class RecipientVerifier: Sendable {
    typealias Done = @Sendable (CallOutResult) -> Void

    private struct State {
        var cache: CallOutCache
        var asked: [Mailbox: [Done]] = [:]
        var waiting: [(mailbox: Mailbox, loop: any EventLoop, since: NIODeadline)] = []
        var running = 0
    }

    let configuration: VerifyConfiguration
    private let hostname: String
    private let resolver: Resolver?
    private let metrics: IngressMetrics
    private let hosts: [Domain: VerifyHost]
    private let state: Mutex<State>

    /// - Parameter resolver: `nil` leaves hosts that are not given by their addresses unanswered.
    init?(_ ingress: IngressConfiguration, resolver: Resolver?, metrics: IngressMetrics) {
        configuration = ingress.verify
        guard !configuration.hosts.isEmpty else { return nil }
        hostname = ingress.hostname.name
        (self.resolver, self.metrics) = (resolver, metrics)
        hosts = Dictionary(configuration.hosts.map { ($0.domain, $0.host) }) { first, _ in first }
        var times = CallOutCache.Times()
        times.positiveExpire = configuration.positiveExpire
        times.positiveRefresh = configuration.positiveRefresh
        times.negativeExpire = configuration.negativeExpire
        times.unansweredExpire = configuration.unansweredExpire
        state = Mutex(State(cache: CallOutCache(capacity: configuration.remembered, times: times)))
    }

    func verifies(_ domain: Domain) -> Bool { hosts[domain] != nil }

    /// The reply to RCPT; `nil` takes the recipient.
    func refusal(_ result: CallOutResult) -> ServerReply? {
        switch result {
        case .exists: nil
        case .unknown: .userUnknown
        case .unanswered: configuration.unverified == .defer ? .cannotVerifyNow : nil
        }
    }

    /// - Parameter done: Called on any thread, or before this returns.
    func verify(_ mailbox: Mailbox, on loop: any EventLoop, done: @escaping Done) {
        let now = Self.now()
        enum Step { case answered(CallOutResult), asked, ask }
        let step = state.withLock { state -> Step in
            switch state.cache.answer(for: mailbox, now: now) {
            case .known(let result, isStale: false): return .answered(result)
            case .known(let result, isStale: true):
                // Asked again behind the answer, where there is room.
                if state.asked[mailbox] == nil, state.running < configuration.probes {
                    state.asked[mailbox] = []
                    state.waiting.append((mailbox, loop, .now()))
                }
                return .answered(result)
            case .none: break
            }
            if state.asked[mailbox] != nil {
                state.asked[mailbox]?.append(done)
                return .asked
            }
            guard state.waiting.count < configuration.waiting else { return .answered(.unanswered) }
            state.asked[mailbox] = [done]
            state.waiting.append((mailbox, loop, .now()))
            return .ask
        }
        startNext()
        if case .answered(let result) = step { done(result) }
    }

    private func startNext() {
        giveUpOld()
        while let (mailbox, loop) = state.withLock({ state -> (Mailbox, any EventLoop)? in
            guard state.running < configuration.probes, !state.waiting.isEmpty else { return nil }
            state.running += 1
            let first = state.waiting.removeFirst()
            return (first.mailbox, first.loop)
        }) {
            loop.execute { self.start(mailbox, on: loop) }
        }
    }

    /// What has waited for as long as a call-out may take is not asked any more: its clients must not wait on.
    private func giveUpOld() {
        let oldest = NIODeadline.now() - TimeAmount(configuration.timeout)
        let waiters = state.withLock { state in
            let old = state.waiting.prefix { $0.since < oldest }.map(\.mailbox)
            state.waiting.removeFirst(old.count)
            return old.flatMap { state.asked.removeValue(forKey: $0) ?? [] }
        }
        for done in waiters { done(.unanswered) }
    }

    private func start(_ mailbox: Mailbox, on loop: any EventLoop) {
        guard let host = hosts[mailbox.domain] else { return finished(mailbox, .unanswered) }
        targets(of: host, for: mailbox.domain, on: loop).assumeIsolated().whenSuccess { targets in
            CallOut.begin(
                mailbox, at: targets, within: TimeAmount(self.configuration.timeout), on: loop
            ) { self.finished(mailbox, $0) }
        }
    }

    private func finished(_ mailbox: Mailbox, _ result: CallOutResult) {
        let now = Self.now()
        let waiters = state.withLock { state in
            state.running -= 1
            state.cache.store(result, for: mailbox, now: now)
            return state.asked.removeValue(forKey: mailbox) ?? []
        }
        metrics.calledOut(result)
        for done in waiters { done(result) }
        startNext()
    }

    private static func now() -> MonotonicTime { MonotonicTime(nanoseconds: NIODeadline.now().uptimeNanoseconds) }
}

// Where a call-out goes.
extension RecipientVerifier {
    /// Addresses that are tried at most: a call-out has little time.
    private static let addressLimit = 3

    private func targets(
        of host: VerifyHost, for domain: Domain, on loop: any EventLoop
    ) -> EventLoopFuture<[OutboundConnection.Target]> {
        switch host {
        case .unixLMTP(let path):
            // The length of the path was checked with the configuration.
            let address = try? SocketAddress(unixDomainSocketPath: path)
            return loop.makeSucceededFuture(address.map { [target($0, "localhost", isLMTP: true)] } ?? [])
        case .host(let place, let isLMTP):
            let port = UInt16(place.port ?? (isLMTP ? 24 : 25))
            switch place.host {
            case .address(let address):
                return loop.makeSucceededFuture([
                    target(address.socketAddress(port: port), address.description, isLMTP: isLMTP)
                ])
            case .name(let name):
                guard let resolver else { return loop.makeSucceededFuture([]) }
                return resolver.addresses(of: name.name, on: loop).map { self.targets($0, port, isLMTP: isLMTP) }
            }
        case .mx(let port):
            guard let resolver else { return loop.makeSucceededFuture([]) }
            return resolver.lookup(domain, on: loop).map { self.targets($0, UInt16(port), isLMTP: false) }
        }
    }

    private func targets(_ answer: MailHostsAnswer, _ port: UInt16, isLMTP: Bool) -> [OutboundConnection.Target] {
        guard case .success(let found) = answer else { return [] }
        var random = SystemRandomNumberGenerator()
        let addresses = found.ordered(using: &random).flatMap { host in host.addresses.map { (host.name, $0) } }
        return addresses.prefix(Self.addressLimit).map { name, address in
            target(address.socketAddress(port: port), name, isLMTP: isLMTP)
        }
    }

    private func target(_ address: SocketAddress, _ name: String, isLMTP: Bool) -> OutboundConnection.Target {
        var timeouts = ClientTimeouts()
        timeouts.connect = TimeAmount(configuration.timeout)
        let isUnix = address.protocol == .unix
        return OutboundConnection.Target(
            address: address, hostName: name, ehloName: hostname, tls: isUnix ? .none : .opportunistic,
            timeouts: timeouts, dialect: isLMTP ? .lmtp : .smtp)
    }
}
