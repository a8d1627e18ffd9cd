/// Queries under way and those that wait for a place, with a time limit each. Belongs to the resolver's thread.
///
/// A question asked while it is under way joins the query that runs.
package final class QueryTable {
    package typealias Done = (DNSAnswer) -> Void

    /// Queries libunbound works on at a time; the rest wait, and their time starts when their turn comes.
    package static let maximumRunning = 1000

    private struct Entry {
        var waiters: [Done]
        /// `nil` while it waits for a place.
        var query: UnboundQuery?
    }

    private let configuration: DNSConfiguration
    /// `nil` after the library failed; made anew for the next query.
    private var context: UnboundContext?
    private var entries: [Question: Entry] = [:]
    private var waiting = FIFO<Question>()
    /// In the order of their ends, as all have the same limit.
    private var deadlines = FIFO<(end: ContinuousClock.Instant, query: UnboundQuery)>()
    package private(set) var running = 0
    /// Timed out, not known to be cancelled: libunbound may still call them.
    private var zombies: [ObjectIdentifier: UnboundQuery] = [:]

    package init(_ configuration: DNSConfiguration) throws(ResolverError) {
        self.configuration = configuration
        context = try UnboundContext(configuration)
    }

    package var descriptor: CInt? { context?.descriptor }
    package var nextDeadline: ContinuousClock.Instant? { deadlines.first?.end }

    package func ask(_ question: Question, done: @escaping Done) {
        if entries[question] != nil {
            entries[question]?.waiters.append(done)
            return
        }
        entries[question] = Entry(waiters: [done])
        waiting.append(question)
        startWaiting()
    }

    private func startWaiting() {
        while running < Self.maximumRunning, let question = waiting.popFirst() { start(question) }
    }

    private func start(_ question: Question) {
        let query = UnboundQuery(question) { [unowned self] query, answer in ended(query, answer) }
        do throws(ResolverError) {
            if let trouble = try currentContext().ask(query) {
                return finish(question, DNSAnswer(.failed(trouble)))
            }
        } catch {
            return finish(question, DNSAnswer(.failed(error.message)))
        }
        entries[question]?.query = query
        running += 1
        deadlines.append((ContinuousClock.now + configuration.queryLimit, query))
    }

    private func currentContext() throws(ResolverError) -> UnboundContext {
        if let context { return context }
        let context = try UnboundContext(configuration)
        self.context = context
        return context
    }

    /// Called by libunbound out of `process`.
    private func ended(_ query: UnboundQuery, _ answer: DNSAnswer) {
        if zombies.removeValue(forKey: ObjectIdentifier(query)) != nil { return }
        running -= 1
        finish(query.question, answer)
    }

    private func finish(_ question: Question, _ answer: DNSAnswer) {
        guard let entry = entries.removeValue(forKey: question) else { return }
        for done in entry.waiters { done(answer) }
    }

    /// Takes the answers that came and ends what ran out of time.
    package func advance() {
        if let context, !context.process() { fail() }
        let now = ContinuousClock.now
        while let first = deadlines.first {
            let isOver = entries[first.query.question]?.query !== first.query
            guard isOver || first.end <= now else { break }
            deadlines.removeFirst()
            if !isOver { expire(first.query) }
        }
        startWaiting()
    }

    private func expire(_ query: UnboundQuery) {
        if context?.cancel(query) != true { zombies[ObjectIdentifier(query)] = query }
        running -= 1
        finish(query.question, DNSAnswer(.failed("no answer within \(configuration.queryLimit)")))
    }

    /// Ends what runs; the next query starts with a new context.
    private func fail() {
        let failed = entries.filter { $0.value.query != nil }.map(\.key)
        drop()
        for question in failed { finish(question, DNSAnswer(.failed("the resolver was interrupted"))) }
    }

    /// Ends everything, also what waits. Nothing may be asked afterwards.
    package func close() {
        let unfinished = entries
        entries = [:]
        waiting = FIFO()
        drop()
        for done in unfinished.values.flatMap(\.waiters) { done(DNSAnswer(.failed("the resolver was closed"))) }
    }

    /// Without their context no query is called any more.
    private func drop() {
        deadlines = FIFO()
        running = 0
        context = nil
        zombies = [:]
    }
}

/// A queue that gives room back as it empties.
struct FIFO<Element> {
    private var elements: [Element] = []
    private var head = 0

    var first: Element? { head < elements.count ? elements[head] : nil }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func removeFirst() {
        head += 1
        guard head >= 64, head * 2 >= elements.count else { return }
        elements.removeFirst(head)
        head = 0
    }

    mutating func popFirst() -> Element? {
        guard let first else { return nil }
        removeFirst()
        return first
    }
}
