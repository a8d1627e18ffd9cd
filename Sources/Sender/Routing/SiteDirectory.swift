import DNSClient
import MailModel
import NIOCore
import NodeRuntime

/// Sites of the destinations in use, and the look-ups under way for them. Bound to the dispatcher's loop.
final class SiteDirectory {
    enum Answer {
        case site(Site)
        case failure(Failure)
        /// Asked for; `resolved` tells when there is an answer.
        case pending
        /// Too many wait for answers already.
        case crowded
    }

    private struct Entry {
        var answer: Answer
        var expires: NIODeadline
    }

    /// What stands behind a destination: its own MX hosts, or hosts given by name.
    private enum Question: Hashable {
        case mx(Domain, route: Int)
        case hosts(String, route: Int)
    }

    private let resolver: Resolver
    private let loop: any EventLoop
    private var entries: [Question: Entry] = [:]
    private var waiters: [Question: [QueuedMessage]] = [:]
    /// Messages that wait for an answer.
    private var waiting = 0
    /// Counts the configurations: an answer to an older question is not kept.
    private var generation = 0
    /// Tells that messages may be placed again.
    var resolved: (([QueuedMessage]) -> Void)?

    /// How long an answer is used before the resolver, which heeds the TTL, is asked again.
    private static let lifetime = TimeAmount.seconds(30)
    private static let capacity = 100_000
    /// Messages in full that may wait for answers.
    private static let waitingLimit = 10_000

    init(resolver: Resolver, loop: any EventLoop) {
        self.resolver = resolver
        self.loop = loop
    }

    /// Routes have changed: what is known of them is asked for again.
    func forget() {
        generation += 1
        entries = [:]
    }

    /// The site of a route; when it is not known yet, the message waits until it is.
    func site(of route: Router.Route, for message: QueuedMessage) -> Answer {
        switch route {
        case .discard:
            return .site(Site(name: "discard", kind: .discard, hosts: [], settings: LaneSettings()))
        case .fail(let reply):
            return .failure(Failure(stage: .rcpt, cause: .reply(reply), text: "its transport says so"))
        case .mx(let domain, let settings):
            return answer(.mx(domain, route: settings.route), for: message) { [resolver] done in
                resolver.lookup(domain) { done($0.map { Self.site($0, settings) }) }
            }
        case .relay(let hosts, let settings):
            return site(.relay, hosts.map { .network($0) }, settings, for: message)
        case .maildir(let maildir, let settings):
            let name = "maildir:\(maildir.template)"
            return .site(Site(name: name, kind: .maildir, hosts: [], settings: settings, maildir: maildir))
        case .lmtp(let hosts, let settings):
            return site(.lmtp, hosts, settings, for: message)
        }
    }

    private func site(
        _ kind: Site.Kind, _ hosts: [HostOrSocket], _ settings: LaneSettings, for message: QueuedMessage
    ) -> Answer {
        let name = hosts.map(\.description).joined(separator: ",")
        if let site = Self.literalSite(kind, hosts, name: name, settings) { return .site(site) }
        return answer(.hosts(name, route: settings.route), for: message) { [resolver] done in
            Self.resolve(kind, hosts, name: name, settings, with: resolver, done: done)
        }
    }

    private func answer(
        _ question: Question, for message: QueuedMessage,
        ask: (@escaping @Sendable (Result<Site, LookupError>) -> Void) -> Void
    ) -> Answer {
        if let entry = entries[question], entry.expires > .now() { return entry.answer }
        guard waiting < Self.waitingLimit else { return .crowded }
        waiting += 1
        if waiters[question]?.append(message) != nil { return .pending }
        waiters[question] = [message]
        let done = NIOLoopBound((self, question, generation), eventLoop: loop)
        ask { [loop] result in
            loop.execute {
                let (directory, question, generation) = done.value
                directory.learned(question, result, generation)
            }
        }
        return .pending
    }

    private func learned(_ question: Question, _ result: Result<Site, LookupError>, _ asked: Int) {
        if entries.count >= Self.capacity { entries = entries.filter { $0.value.expires > .now() } }
        if entries.count >= Self.capacity { entries = [:] }
        let answer: Answer =
            switch result {
            case .success(let site): .site(site)
            case .failure(let error):
                .failure(Failure(stage: .resolve, cause: .lookup(error.failure), text: error.text))
            }
        if asked == generation { entries[question] = Entry(answer: answer, expires: .now() + Self.lifetime) }
        guard let messages = waiters.removeValue(forKey: question) else { return }
        waiting -= messages.count
        resolved?(messages)
    }

    // MARK: Making sites

    private static func site(_ hosts: MailHosts, _ settings: LaneSettings) -> Site {
        Site(
            name: hosts.siteName, kind: .mx,
            hosts: hosts.hosts.map { host in
                Site.Host(
                    name: host.name, preference: Int(host.preference),
                    addresses: host.addresses.map { $0.socketAddress(port: UInt16(settings.port)) })
            }, settings: settings)
    }

    /// Hosts that need no look-up; tried in the order of the file.
    private static func literalSite(
        _ kind: Site.Kind, _ hosts: [HostOrSocket], name: String, _ settings: LaneSettings
    ) -> Site? {
        var found: [Site.Host] = []
        for (index, host) in hosts.enumerated() {
            switch host {
            case .network(let host):
                guard case .address(let address) = host.host else { return nil }
                let socket = address.socketAddress(port: UInt16(host.port ?? settings.port))
                found.append(Site.Host(name: address.description, preference: index, addresses: [socket]))
            case .socket(let path):
                guard let host = Site.Host(socket: path, preference: index) else { return nil }
                found.append(host)
            }
        }
        return Site(name: name, kind: kind, hosts: found, settings: settings)
    }

    private static func resolve(
        _ kind: Site.Kind, _ hosts: [HostOrSocket], name: String, _ settings: LaneSettings, with resolver: Resolver,
        done: @escaping @Sendable (Result<Site, LookupError>) -> Void
    ) {
        Task {
            var found: [Site.Host] = []
            var failure = LookupError(.noHost, "no address of \(name)")
            for (index, host) in hosts.enumerated() {
                switch host {
                case .network(let host):
                    let port = UInt16(host.port ?? settings.port)
                    switch await resolver.addresses(of: host.name) {
                    case .success(let answer):
                        let addresses = answer.hosts.flatMap(\.addresses).map { $0.socketAddress(port: port) }
                        found.append(Site.Host(name: host.name, preference: index, addresses: addresses))
                    case .failure(let error):
                        // A host of ours that cannot be found is a fault of ours, not of the message: it waits.
                        failure = LookupError(.temporary, error.text)
                    }
                case .socket(let path):
                    if let host = Site.Host(socket: path, preference: index) { found.append(host) }
                }
            }
            done(
                found.isEmpty
                    ? .failure(failure) : .success(Site(name: name, kind: kind, hosts: found, settings: settings)))
        }
    }
}

extension Site.Host {
    /// - Returns: `nil` for a path longer than a socket's, which no configuration has.
    fileprivate init?(socket path: String, preference: Int) {
        guard let address = try? SocketAddress(unixDomainSocketPath: path) else { return nil }  // too long, see above
        self.init(name: path, preference: preference, addresses: [address])
    }
}

extension HostPort {
    fileprivate var name: String {
        switch host {
        case .name(let domain): domain.name
        case .address(let address): address.description
        }
    }
}
