package import MailModel
package import NIOCore
internal import Synchronization

/// Finds the hosts of destinations and relays (RFC 5321 §5.1) through libunbound: asynchronous, with a cache.
///
/// A kept answer is given on the calling thread at once, without a hop. Any other comes on the resolver's thread:
/// `done` closures must not block it. Equal lookups under way share their queries. May be used from any thread.
package final class Resolver: Sendable {
    private let thread: ResolverThread
    private let hostsFile: HostsFile
    private let cache: Mutex<AnswerCache>

    /// Reads the system's files the configuration names, and starts a thread.
    package init(_ configuration: DNSConfiguration) throws(ResolverError) {
        hostsFile = HostsFile(parsing: TextFile.read(configuration.hostsFile) ?? "")
        cache = Mutex(AnswerCache(capacity: configuration.cacheEntries))
        thread = try ResolverThread(configuration)
    }

    deinit { thread.stop() }

    /// Ends all lookups as `temporary`.
    package func close() { thread.stop() }

    /// Hosts for mail to a domain: MX, the domain itself, or an address literal.
    package func lookup(_ domain: Domain, done: @escaping @Sendable (MailHostsAnswer) -> Void) {
        if domain.isAddressLiteral { return done(Self.literal(domain.name)) }
        // Also names made without `init(normalizing:)` get here, and none of them must reach the wire as another.
        guard let domain = Domain(normalizing: domain.name) else {
            return done(.failure(LookupError(.noSuchDomain, "not a domain name")))
        }
        find(LookupKey(kind: .destination, name: domain.name), done)
    }

    /// Addresses of a host given by name or address, as relays are: one host, found in `/etc/hosts` before DNS.
    package func addresses(of host: String, done: @escaping @Sendable (MailHostsAnswer) -> Void) {
        if let address = IPAddress(host) ?? IPAddress(literal: host) { return done(Self.known(host, [address])) }
        guard let name = Domain(normalizing: host)?.name else {
            return done(.failure(LookupError(.noSuchDomain, "not a host name")))
        }
        if let addresses = hostsFile.addresses(of: name) { return done(Self.known(name, addresses)) }
        find(LookupKey(kind: .host, name: name), done)
    }

    /// Records of one question. Not kept here: libunbound keeps them.
    package func records(_ question: Question, done: @escaping @Sendable (DNSAnswer) -> Void) {
        if !thread.send(.records(question, done)) { done(DNSAnswer(.failed("the resolver was closed"))) }
    }

    private func find(_ key: LookupKey, _ done: @escaping @Sendable (MailHostsAnswer) -> Void) {
        if let answer = cache.withLock({ $0.answer(for: key, now: .now) }) { return done(answer) }
        let isSent = thread.send(
            .hosts(key) { [weak self] answer, ttl in
                self?.cache.withLock { $0.store(answer, for: key, ttl: ttl, now: .now) }
                done(answer)
            })
        if !isSent { done(.failure(LookupError(.temporary, "the resolver was closed"))) }
    }

    private static func literal(_ name: String) -> MailHostsAnswer {
        guard let address = IPAddress(literal: name), address.isHostAddress else {
            return .failure(LookupError(.noSuchDomain, "not an address literal"))
        }
        return known(name, [address])
    }

    private static func known(_ name: String, _ addresses: [IPAddress]) -> MailHostsAnswer {
        let host = MailHost(
            name: name, preference: 0, addresses: Array(addresses.prefix(MailHostsLookup.maximumAddresses)),
            authenticated: false)
        return .success(MailHosts(hosts: [host], siteName: name, isImplicit: true))
    }
}

extension Resolver {
    package func lookup(_ domain: Domain, on eventLoop: any EventLoop) -> EventLoopFuture<MailHostsAnswer> {
        let promise = eventLoop.makePromise(of: MailHostsAnswer.self)
        lookup(domain) { promise.succeed($0) }
        return promise.futureResult
    }

    package func addresses(of host: String, on eventLoop: any EventLoop) -> EventLoopFuture<MailHostsAnswer> {
        let promise = eventLoop.makePromise(of: MailHostsAnswer.self)
        addresses(of: host) { promise.succeed($0) }
        return promise.futureResult
    }

    package func hosts(for domain: Domain) async -> MailHostsAnswer {
        await withCheckedContinuation { continuation in
            lookup(domain) { continuation.resume(returning: $0) }
        }
    }

    package func addresses(of host: String) async -> MailHostsAnswer {
        await withCheckedContinuation { continuation in
            addresses(of: host) { continuation.resume(returning: $0) }
        }
    }

    package func records(_ question: Question) async -> DNSAnswer {
        await withCheckedContinuation { continuation in
            records(question) { continuation.resume(returning: $0) }
        }
    }
}
