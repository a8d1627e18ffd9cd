import DeliveryPolicy
import MailModel
import SMTPProtocol

/// One message part handed to a lane: all that an attempt needs, and nothing the dispatcher keeps.
struct Order: Sendable {
    let key: QueuedMessage.Key
    let epoch: UInt64
    /// No other source of the pool is left to this attempt.
    let isLastSource: Bool
    let transaction: OutboundTransaction
    /// Whose mail it is, for the suppression list.
    var tenant: String?
    /// Pool it was placed from.
    var pool = ""
    /// One for each recipient, who then has a transaction of its own (VERP).
    var reversePaths: [ReversePath]?
    /// What came of the recipients whose own transactions are over.
    var progress: Attempt?
    /// Addresses of the site that failed in this attempt.
    var hostsTried = 0
    /// Its recipients are in the gauge of uncommitted attempts.
    var isCounted = false

    init(key: QueuedMessage.Key, epoch: UInt64, isLastSource: Bool, transaction: OutboundTransaction) {
        self.key = key
        self.epoch = epoch
        self.isLastSource = isLastSource
        self.transaction = transaction
    }

    var recipientCount: Int { transaction.recipients.count }
    private var settled: Int { progress?.outcomes.count ?? 0 }
    var recipientsLeft: ArraySlice<Recipient> { transaction.recipients.dropFirst(settled) }

    /// What goes out next: all, or one recipient from its own reverse-path.
    var nextTransaction: OutboundTransaction {
        guard let reversePaths, settled < recipientCount else { return transaction }
        var next = transaction
        next.recipients = [transaction.recipients[settled]]
        next.reversePath = reversePaths[settled]
        return next
    }

    /// Adds what a transaction came to.
    ///
    /// - Returns: The whole attempt once every recipient has had its transaction.
    mutating func add(_ attempt: Attempt) -> Attempt? {
        guard reversePaths != nil else { return attempt }
        var whole = attempt
        if let progress {
            whole.outcomes = progress.outcomes + attempt.outcomes
            whole.began = progress.began
        }
        progress = whole
        hostsTried = 0
        return settled < recipientCount ? nil : whole
    }
}

/// What became of an order. Every order ends in exactly one.
struct AttemptReport: Sendable {
    enum Ending: Sendable {
        case attempted(Attempt)
        /// Given back untried.
        case returned(reason: String, until: Timestamp?, failure: Failure?)
    }

    let key: QueuedMessage.Key
    let epoch: UInt64
    let lane: LaneKey
    let laneNumber: Int
    /// Recipients to take off the gauge when the outcome is committed.
    let counted: Int
    let ending: Ending
}

/// One try at the recipients of an order, in their order.
struct Attempt: Sendable {
    enum Outcome: Sendable {
        case delivered(Reply)
        case failed(Failure, Disposition)
        /// Given back with others of its message that had their transactions.
        case untried
    }

    /// Of the connection.
    struct Facts: Sendable {
        var remote: DeliveryEvent.Remote?
        var sourceAddress: String?
        var tls: TLSFacts?
        var connectMilliseconds: Int?
        var transferMilliseconds: Int?
        /// No transaction came before on this connection.
        var isFirst = true
    }

    var outcomes: [Outcome]
    var began: Timestamp
    var facts: Facts

    /// No recipient has an outcome yet: the same attempt goes on elsewhere.
    var continuesAtNextHost: Bool { goesOn(.nextHost) }
    var continuesAtNextSource: Bool { goesOn(.nextSource) }

    /// Nobody has it: BDAT was unknown to the host, and recipients that it refused are asked for again.
    var continuesByDATA: Bool {
        outcomes.contains { outcome in
            if case .failed(_, let disposition) = outcome { disposition.step == .retryByDATA } else { false }
        }
    }

    private func goesOn(_ step: Disposition.Step) -> Bool {
        outcomes.allSatisfy { outcome in
            if case .failed(_, let disposition) = outcome { disposition.step == step } else { false }
        }
    }

    /// A host talked to us, whatever it thought of the message.
    var reachedHost: Bool {
        outcomes.contains { outcome in
            switch outcome {
            case .delivered: true
            case .failed(let failure, _): failure.stage.isInTransaction
            case .untried: false
            }
        }
    }
}

extension Failure.Stage {
    var isInTransaction: Bool {
        switch self {
        case .mail, .rcpt, .data, .content, .acknowledgement: true
        case .resolve, .connect, .greeting, .ehlo, .starttls, .auth: false
        }
    }
}
