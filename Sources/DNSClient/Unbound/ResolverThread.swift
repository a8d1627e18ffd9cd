internal import Glibc
internal import MailModel
internal import Synchronization

/// The thread that owns queries and lookups: sleeps in poll(2) until an answer, a request or a deadline.
final class ResolverThread: Sendable {
    enum Request: Sendable {
        case hosts(LookupKey, @Sendable (MailHostsAnswer, _ ttl: Int) -> Void)
        case records(Question, @Sendable (DNSAnswer) -> Void)
    }

    private struct Inbox {
        var requests: [Request] = []
        var isClosed = false
    }

    private let inbox = Mutex(Inbox())
    private let pipe: WakePipe

    init(_ configuration: DNSConfiguration) throws(ResolverError) {
        pipe = try WakePipe()
        try Self.start(Loop(self, try QueryTable(configuration)))
    }

    /// - Returns: `false` once the thread was told to stop.
    func send(_ request: Request) -> Bool {
        let (isClosed, wasEmpty) = inbox.withLock { inbox in
            let wasEmpty = inbox.requests.isEmpty
            if !inbox.isClosed { inbox.requests.append(request) }
            return (inbox.isClosed, wasEmpty)
        }
        if !isClosed, wasEmpty { pipe.wake() }
        return !isClosed
    }

    /// Ends the thread soon; what is under way is answered as `temporary`.
    func stop() {
        inbox.withLock { $0.isClosed = true }
        pipe.wake()
    }

    private static func start(_ loop: Loop) throws(ResolverError) {
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Loop>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(loop).toOpaque())
        guard code == 0 else {
            Unmanaged.passUnretained(loop).release()
            throw ResolverError(.resources, "pthread_create: error \(code)")
        }
        pthread_detach(thread)
    }

    /// What the thread owns: touched by no other once it runs.
    private final class Loop {
        private struct Active {
            var lookup: MailHostsLookup
            var waiters: [@Sendable (MailHostsAnswer, _ ttl: Int) -> Void]
        }

        private let owner: ResolverThread
        private let queries: QueryTable
        private var lookups: [LookupKey: Active] = [:]

        init(_ owner: ResolverThread, _ queries: QueryTable) { (self.owner, self.queries) = (owner, queries) }

        func run() {
            while true {
                wait()
                queries.advance()
                let (requests, isClosed) = owner.inbox.withLock { inbox in
                    defer { inbox.requests = [] }
                    return (inbox.requests, inbox.isClosed)
                }
                for request in requests { serve(request) }
                if isClosed { return close() }
            }
        }

        private func wait() {
            var descriptors = [pollfd(fd: owner.pipe.readEnd, events: Int16(POLLIN), revents: 0)]
            if let descriptor = queries.descriptor {
                descriptors.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
            }
            var milliseconds: CInt = -1
            if let deadline = queries.nextDeadline {
                let rest = ContinuousClock.now.duration(to: deadline) / Duration.milliseconds(1)
                milliseconds = CInt(min(max(rest.rounded(.up), 0), 60_000))
            }
            poll(&descriptors, nfds_t(descriptors.count), milliseconds)
            if descriptors[0].revents != 0 { owner.pipe.drain() }
        }

        private func serve(_ request: Request) {
            switch request {
            case .records(let question, let done): queries.ask(question, done: done)
            case .hosts(let key, let done):
                if lookups[key] != nil {
                    lookups[key]?.waiters.append(done)
                    return
                }
                var lookup = MailHostsLookup(key)
                let step = lookup.start()
                lookups[key] = Active(lookup: lookup, waiters: [done])
                take(step, of: key)
            }
        }

        private func take(_ step: MailHostsLookup.Step, of key: LookupKey) {
            switch step {
            case .wait: break
            case .ask(let questions):
                for question in questions {
                    queries.ask(question) { [unowned self] answer in
                        guard let next = lookups[key]?.lookup.received(answer, to: question) else { return }
                        take(next, of: key)
                    }
                }
            case .done(let answer, let ttl):
                for done in lookups.removeValue(forKey: key)?.waiters ?? [] { done(answer, ttl) }
            }
        }

        /// Lookups are forgotten first, so that the end of a query does not start another.
        private func close() {
            let active = lookups
            lookups = [:]
            queries.close()
            for waiter in active.values.flatMap(\.waiters) {
                waiter(.failure(LookupError(.temporary, "the resolver was closed")), 0)
            }
        }
    }
}
