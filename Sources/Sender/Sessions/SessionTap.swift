import MailModel
import NIOCore
import SMTPProtocol
import SMTPTransport

/// What goes over one connection of a lane, on its way to those who watch it. There only while somebody does; bound to
/// the connection's loop.
final class SessionTap {
    private struct Follower {
        let watch: SessionWatch
        let session: Int
        /// Shown while it was being opened, and no attempt has begun on it since.
        var isOpening: Bool
        var isAttempt = false
    }

    private let lane: LaneKey
    private let candidate: Site.Candidate
    private unowned let connection: OutboundConnection
    private var followers: [Follower] = []
    private var filter = SecretFilter()

    private init(_ lane: LaneKey, _ candidate: Site.Candidate, _ connection: OutboundConnection) {
        self.lane = lane
        self.candidate = candidate
        self.connection = connection
        connection.transcript = { [weak self] in self?.show($0) }
    }

    /// For a connection that begins to be opened.
    ///
    /// - Parameter mayServe: Whether mail waits in the lane that this watch is about.
    /// - Returns: `nil` where nobody watches.
    static func opening(
        _ connection: OutboundConnection, _ lane: LaneKey, _ candidate: Site.Candidate, for watches: [SessionWatch],
        where mayServe: (SessionWatch) -> Bool
    ) -> SessionTap? {
        let tap = SessionTap(lane, candidate, connection)
        for watch in watches where watch.selector.covers(lane) && mayServe(watch) {
            guard let session = watch.beginOpening() else { continue }
            tap.followers.append(Follower(watch: watch, session: session, isOpening: true))
        }
        tap.write("session") { $0.opened(lane, candidate, source: connection.target.source?.ipAddress, earlier: nil) }
        return tap.orNone
    }

    /// Before an attempt begins: who watches it stays or comes, the others go.
    ///
    /// - Parameter tap: The one the connection had.
    static func beginning(
        _ order: Order, on connection: OutboundConnection, _ lane: LaneKey, _ candidate: Site.Candidate,
        after tap: SessionTap?, for watches: [SessionWatch]
    ) -> SessionTap? {
        let tap = tap ?? SessionTap(lane, candidate, connection)
        tap.begin(order, watches)
        return tap.orNone
    }

    private var orNone: SessionTap? {
        if followers.isEmpty {
            connection.transcript = nil
            return nil
        }
        return self
    }

    private func begin(_ order: Order, _ watches: [SessionWatch]) {
        let earlier = followers
        followers = []
        for var follower in earlier {
            if follower.isOpening { follower.watch.endOpening() }
            follower.isOpening = false
            let isMeant = follower.watch.selector.covers(order)
            follower.isAttempt = isMeant && follower.watch.beginAttempt()
            if follower.isAttempt {
                followers.append(follower)
            } else if !isMeant {
                write("closed", to: follower) { $0.text("the connection was taken by other mail") }
            }
        }
        for watch in watches where watch.selector.covers(lane) && watch.selector.covers(order) {
            guard !earlier.contains(where: { $0.watch === watch }), let session = watch.beginSession(),
                watch.beginAttempt()
            else { continue }
            let follower = Follower(watch: watch, session: session, isOpening: false, isAttempt: true)
            followers.append(follower)
            let transactions = connection.facts.transactions
            write("session", to: follower) {
                $0.opened(
                    lane, candidate, source: connection.facts.localAddress?.ipAddress, earlier: transactions)
            }
            // What was negotiated before anybody watched.
            if let tls = connection.facts.tls { write("tls", to: follower) { $0.secured(tls) } }
        }
        write("attempt") { $0.attempt(order) }
    }

    /// The attempt is over. What no reply has told is told here.
    func finished(_ result: TransactionResult) {
        let failure = result.perRecipient.lazy.compactMap(\.failure).first { $0.reply == nil }
        if let failure { write("failed") { $0.text(failure.text) } }
        for index in followers.indices where followers[index].isAttempt {
            followers[index].isAttempt = false
            followers[index].watch.endAttempt()
        }
    }

    func ended(_ failure: Failure?) {
        write("closed") { $0.text(failure.map { "\($0.stage.rawValue): \($0.text)" } ?? "with QUIT") }
        for follower in followers where follower.isOpening {
            follower.watch.endOpening()
            // Mail waited for it: an attempt that came no further.
            if failure != nil, follower.watch.beginAttempt() { follower.watch.endAttempt() }
        }
        followers = []
    }

    private func show(_ line: OutboundConnection.DialogueLine) {
        switch line {
        case .sent(let text):
            let shown = filter.sent(text)
            write("sent") { $0.text(shown) }
        case .received(let text):
            let shown = filter.received(text)
            write("received") { $0.text(shown) }
        case .content(let octets): write("content") { $0.content(octets: octets) }
        case .secured(let facts): write("tls") { $0.secured(facts) }
        }
    }

    private func write(_ type: String, _ fill: (inout SessionLine) -> ByteBuffer) {
        for follower in followers { write(type, to: follower, fill) }
    }

    private func write(_ type: String, to follower: Follower, _ fill: (inout SessionLine) -> ByteBuffer) {
        var line = SessionLine(type, session: follower.session, age: connection.age)
        follower.watch.write(fill(&line))
    }
}
