import DeliveryPolicy
import MailModel
import NIOCore
import NodeRuntime
import SMTPProtocol
import SMTPTransport
import Spool

/// One connection of a lane and the order it is busy with.
final class LaneConnection: OutboundConnectionDelegate {
    unowned let lane: Lane
    let candidate: Site.Candidate
    private var connection: OutboundConnection?
    private(set) var order: Order?
    private(set) var began = Timestamp(milliseconds: 0)
    private(set) var isReady = false
    var idleSince = NIODeadline.now()
    /// Made by a configuration that is no longer in force.
    var isRetired = false
    private let isInClear: Bool

    /// Starts to connect.
    ///
    /// - Parameter inClear: STARTTLS failed with this host a short while ago.
    init(lane: Lane, candidate: Site.Candidate, inClear: Bool) {
        self.lane = lane
        self.candidate = candidate
        isInClear = inClear
    }

    func open() {
        let group = lane.group
        let policy: SMTPTransport.TLSPolicy =
            switch lane.site.settings.tls {
            case _ where candidate.isSocket: .none
            case .none: .none
            case .opportunistic: isInClear ? .none : .opportunistic
            case .required: .required(verify: false)
            }
        connection = OutboundConnection.open(
            .init(
                address: candidate.address, hostName: candidate.host, ehloName: lane.source.ehloName,
                source: candidate.isSocket ? nil : lane.source.address, tls: policy, timeouts: group.settings.timeouts,
                dialect: lane.site.kind == .lmtp ? .lmtp : .smtp),
            on: group.loop, delegate: self)
    }

    /// Not so while the host ends the session and the socket is not closed yet.
    var isUsable: Bool { connection?.isIdle ?? false }
    var transactions: Int { connection?.facts.transactions ?? 0 }

    func begin(_ order: Order) {
        self.order = order
        began = .now()
        connection?.begin(order.transaction)
    }

    func close(immediately: Bool = false) { connection?.close(immediately: immediately) }

    var facts: Attempt.Facts {
        let facts = connection?.facts
        return Attempt.Facts(
            remote: .init(host: candidate.host, address: candidate.address.ipAddress),
            sourceAddress: facts?.localAddress?.ipAddress, tls: facts?.tls,
            connectMilliseconds: facts?.connectMilliseconds, transferMilliseconds: facts?.transferMilliseconds,
            isFirst: transactions <= 1)
    }

    // MARK: OutboundConnectionDelegate

    func connectionReady(_ connection: OutboundConnection) {
        isReady = true
        idleSince = .now()
        lane.connectionReady(self)
    }

    func connection(_ connection: OutboundConnection, finished result: TransactionResult) {
        guard let order else { return }
        self.order = nil
        idleSince = .now()
        lane.finished(self, order, result, began: began)
    }

    func connectionEnded(_ connection: OutboundConnection, failure: Failure?) {
        if isReady {
            lane.connectionEnded(self, failure)
        } else {
            let failure = failure ?? Failure(stage: .connect, cause: .connectionLost, text: "the connection was closed")
            lane.openingFailed(self, failure)
        }
    }
}
