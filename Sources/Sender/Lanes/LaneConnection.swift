import DeliveryPolicy
import MailModel
import NIOCore
import NodeRuntime
import SMTPProtocol
import SMTPTransport
import Spool

/// One connection of a lane, or what writes Maildirs in its place, and the order it is busy with.
final class LaneConnection: OutboundConnectionDelegate {
    private enum Carrier {
        case connection(OutboundConnection)
        case maildir(MaildirCarrier)
    }

    unowned let lane: Lane
    let candidate: Site.Candidate
    private var carrier: Carrier?
    private(set) var order: Order?
    private(set) var began = Timestamp(milliseconds: 0)
    private(set) var isReady = false
    var idleSince = NIODeadline.now()
    /// Made by a configuration that is no longer in force.
    var isRetired = false
    private let isInClear: Bool
    /// There while somebody watches.
    private var tap: SessionTap?

    /// Starts to connect.
    ///
    /// - Parameter inClear: STARTTLS failed with this host a short while ago.
    init(lane: Lane, candidate: Site.Candidate, inClear: Bool) {
        self.lane = lane
        self.candidate = candidate
        isInClear = inClear
    }

    func open() {
        if let maildir = lane.site.maildir {
            let writer = MaildirCarrier(maildir, host: lane.source.ehloName, owner: self, loop: lane.group.loop)
            carrier = .maildir(writer)
            writer.open()
        } else if let address = candidate.address {
            connect(to: address)
        }
    }

    private func connect(to address: SocketAddress) {
        let group = lane.group
        let isSocket = address.protocol == .unix
        let policy: SMTPTransport.TLSPolicy =
            switch lane.site.settings.tls {
            case _ where isSocket: .none
            case .none: .none
            case .opportunistic: isInClear ? .none : .opportunistic
            case .required: .required(verify: false)
            }
        let connection = OutboundConnection.open(
            .init(
                address: address, hostName: candidate.host, ehloName: lane.source.ehloName,
                source: isSocket ? nil : lane.source.address, tls: policy, timeouts: group.settings.timeouts,
                dialect: lane.site.kind == .lmtp ? .lmtp : .smtp,
                chunking: lane.site.settings.chunking && !group.withoutChunking.has(candidate.host, at: group.instant)),
            on: group.loop, delegate: self)
        carrier = .connection(connection)
        guard !group.watches.isEmpty else { return }
        tap = SessionTap.opening(connection, lane.key, candidate, for: group.watches) { [lane] in
            lane.hasReady(for: $0)
        }
    }

    /// Not so while the host ends the session and the socket is not closed yet.
    var isUsable: Bool {
        switch carrier {
        case .connection(let connection): connection.isIdle
        case .maildir(let writer): writer.isIdle
        case nil: false
        }
    }

    var transactions: Int {
        switch carrier {
        case .connection(let connection): connection.facts.transactions
        case .maildir(let writer): writer.transactions
        case nil: 0
        }
    }

    func begin(_ order: Order) {
        self.order = order
        began = .now()
        switch carrier {
        case .connection(let connection):
            if tap != nil || !lane.group.watches.isEmpty {
                tap = SessionTap.beginning(
                    order, on: connection, lane.key, candidate, after: tap, for: lane.group.watches)
            }
            connection.begin(tagged(order))
        case .maildir(let writer): writer.begin(order.nextTransaction)
        case nil: preconditionFailure("an order begins on a connection that is open")
        }
    }

    private func tagged(_ order: Order) -> OutboundTransaction {
        var transaction = order.nextTransaction
        // Recipients of one transaction share its content: a tag can name one, or the part.
        let only = transaction.recipients.count == 1 ? transaction.recipients[0].index : nil
        let field = lane.group.settings.tags.field(
            order.key, recipient: only, tenant: order.tenant, pool: order.pool)
        if let field { transaction.prefix = field }
        return transaction
    }

    func close(immediately: Bool = false) {
        switch carrier {
        case .connection(let connection): connection.close(immediately: immediately)
        case .maildir(let writer): writer.close()
        case nil: break
        }
    }

    var facts: Attempt.Facts {
        var facts = Attempt.Facts(remote: .init(host: candidate.host, address: candidate.address?.ipAddress))
        facts.isFirst = transactions <= 1
        switch carrier {
        case .connection(let connection):
            facts.sourceAddress = connection.facts.localAddress?.ipAddress
            facts.tls = connection.facts.tls
            facts.connectMilliseconds = connection.facts.connectMilliseconds
            facts.transferMilliseconds = connection.facts.transferMilliseconds
        case .maildir(let writer): facts.transferMilliseconds = writer.transferMilliseconds
        case nil: break
        }
        return facts
    }

    // MARK: What the carrier tells

    func ready() {
        isReady = true
        idleSince = .now()
        lane.connectionReady(self)
    }

    func finished(_ result: TransactionResult) {
        guard let order else { return }
        self.order = nil
        tap?.finished(result)
        idleSince = .now()
        lane.finished(self, order, result, began: began)
    }

    func ended(_ failure: Failure?) {
        tap?.ended(failure)
        tap = nil
        if isReady {
            lane.connectionEnded(self, failure)
        } else {
            let failure = failure ?? Failure(stage: .connect, cause: .connectionLost, text: "the connection was closed")
            lane.openingFailed(self, failure)
        }
    }

    func connectionReady(_ connection: OutboundConnection) { ready() }

    func connection(_ connection: OutboundConnection, finished result: TransactionResult) { finished(result) }

    func connectionEnded(_ connection: OutboundConnection, failure: Failure?) { ended(failure) }
}
