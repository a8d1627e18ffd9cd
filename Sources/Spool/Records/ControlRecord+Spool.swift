package import MailModel
package import NIOCore

extension SpoolRecord {
    package init(_ control: ControlRecord) {
        self.init(.control, key: control.key, value: control.encoded())
    }

    /// The tombstone of a suppression.
    package init(ending suppression: SuppressionKey) {
        self.init(.control, key: suppression.description, value: nil)
    }
}

extension ControlRecord {
    /// The command's ID, for an answer followed by `/` and the node; see `SuppressionKey` for a suppression.
    package var key: String {
        switch self {
        case .command(let command): command.id.description
        case .answer(let answer): "\(answer.command.description)/\(answer.node)"
        case .suppression(let suppression): suppression.key.description
        }
    }

    package func encoded() -> ByteBuffer {
        var wire = WireControl()
        switch self {
        case .command(let command): wire.command = WireQueueCommand(command)
        case .answer(let answer): wire.answer = WireQueueAnswer(answer)
        case .suppression(let suppression): wire.suppression = WireSuppression(suppression)
        }
        return wire.wireEncoded()
    }

    package init(decoding bytes: ByteBuffer) throws(SpoolError) {
        switch try WireControl(wire: bytes).kind {
        case .command(let command): self = .command(try command.command())
        case .answer(let answer): self = .answer(answer.answer)
        case .suppression(let suppression): self = .suppression(try suppression.suppression())
        case nil: throw SpoolError(.corrupt, "a control record of an unknown kind")
        }
    }
}

extension WireQueueCommand {
    init(_ command: QueueCommand) {
        (idHigh, idLow) = (command.id.high, command.id.low)
        action = command.action.rawValue
        selector = WireQueueSelector(command.selector)
        issued = command.issued.milliseconds
        actor = command.actor
        if let reason = command.reason { self.reason = reason }
        if let pool = command.pool { self.pool = pool }
        if let relay = command.relay { self.relay = relay }
    }

    func command() throws(SpoolError) -> QueueCommand {
        guard let action = QueueCommand.Action(rawValue: action) else {
            throw SpoolError(.corrupt, "a control record with the unknown action \(self.action)")
        }
        var command = QueueCommand(
            id: QueueID(high: idHigh, low: idLow), action: action, selector: try selector.selector(),
            issued: Timestamp(milliseconds: issued), actor: actor, reason: hasReason ? reason : nil)
        command.pool = hasPool ? pool : nil
        command.relay = hasRelay ? relay : nil
        return command
    }
}

extension WireQueueSelector {
    init(_ selector: QueueSelector) {
        if let queueID = selector.queueID { self.queueID = queueID.description }
        if let domain = selector.domain { self.domain = domain }
        if let site = selector.site { self.site = site }
        if let tenant = selector.tenant { self.tenant = tenant }
        if let campaign = selector.campaign { self.campaign = campaign }
        if let pool = selector.pool { self.pool = pool }
        if let state = selector.state { self.state = state }
    }

    /// An unreadable field may not fall away: the command would then mean more messages than its writer named.
    func selector() throws(SpoolError) -> QueueSelector {
        var selector = QueueSelector()
        if hasQueueID {
            guard let id = QueueID(queueID) else {
                throw SpoolError(.corrupt, "a control record with the queue ID \(queueID)")
            }
            selector.queueID = id
        }
        if hasDomain { selector.domain = domain }
        if hasSite { selector.site = site }
        if hasTenant { selector.tenant = tenant }
        if hasCampaign { selector.campaign = campaign }
        if hasPool { selector.pool = pool }
        if hasState { selector.state = state }
        return selector
    }
}

extension WireQueueAnswer {
    init(_ answer: QueueAnswer) {
        (commandHigh, commandLow) = (answer.command.high, answer.command.low)
        node = answer.node
        matched = Int64(answer.matched)
    }

    var answer: QueueAnswer {
        QueueAnswer(command: QueueID(high: commandHigh, low: commandLow), node: node, matched: Int(matched))
    }
}
