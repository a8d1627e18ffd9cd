import DeliveryPolicy
import MailModel
import NIOCore
import Spool

extension Dispatcher {
    /// Applies an operator's command to the messages it means, accepted before it.
    ///
    /// - Returns: Recipients it applied to. What is being attempted follows when its attempt ends.
    func apply(_ command: QueueCommand) -> Int {
        // States and sites are those of the moment: read again by a later process, they would mean other messages.
        if command.selector.isMomentary, command.issued < started { return 0 }
        remember(command)
        var matched = 0
        for message in select(command.selector) { matched += apply(command, to: message) }
        planTurn()
        return matched
    }

    private func apply(_ command: QueueCommand, to message: QueuedMessage) -> Int {
        guard message.entry.arrival <= command.issued, !message.isEnded else { return 0 }
        // Applied again after a restart, a retry must not undo the attempt that followed it.
        if command.action == .retry, let last = message.entry.lastAttempt, last > command.issued { return 0 }
        let matched = message.recipientCount
        switch message.state {
        case .waiting: carryOut(command, on: message)
        case .handed(let lane):
            guard command.action != .retry else { break }
            message.command = command
            // The order may not have left this loop yet.
            submitOrders()
            let (key, group) = (message.key, groups[group(of: lane)])
            group.loop.execute { group.withdraw(key, from: lane) }
        case .resolving, .loading:
            if command.action != .retry { message.command = command }
        case .ended: return 0
        }
        return matched
    }

    private func remember(_ command: QueueCommand) {
        commands.removeAll { $0.issued + .seconds(86_400) < .now() }
        if commands.count >= 10_000 { commands.removeFirst() }
        commands.append(command)
        latestCommand = max(latestCommand, command.issued)
    }

    /// Carries out what was commanded before a waiting message was read: its last owner may have died in between.
    ///
    /// Not what selects by a state or site: that meant messages which were in the queue.
    func applyEarlierCommands(to message: QueuedMessage) {
        guard message.entry.arrival <= latestCommand else { return }
        for command in commands where !command.selector.isMomentary {
            guard case .waiting = message.state else { return }
            if matches(message, command.selector) { _ = apply(command, to: message) }
        }
    }

    /// Carries a command out on a message that no lane holds.
    func carryOut(_ command: QueueCommand, on message: QueuedMessage) {
        message.command = nil
        waiting.remove(message)
        switch command.action {
        case .retry:
            // An operator knows better than the dead-host memory.
            if let lane = message.lane, lanes[lane]?.down != nil {
                laneWorks(lane)
                let group = groups[group(of: lane)]
                group.loop.execute { group.forgive(lane) }
            }
            place(message)
        case .fail:
            let reply = Reply(554, StatusDetail(7, 0), command.reason ?? "failed by an operator")
            fail(message, reply, actor: command.actor, reason: command.reason)
        case .drop: drop(message, actor: command.actor, reason: command.reason)
        }
    }

    func select(_ selector: QueueSelector) -> [QueuedMessage] {
        messages.values.filter { matches($0, selector) }
    }

    private func matches(_ message: QueuedMessage, _ selector: QueueSelector) -> Bool {
        let entry = message.entry
        if let id = selector.queueID, entry.queueID != id { return false }
        if let domain = selector.domain, entry.domain.name != domain { return false }
        if let tenant = selector.tenant, entry.wishes.tenant != tenant { return false }
        if let campaign = selector.campaign, entry.wishes.campaign != campaign { return false }
        if let pool = selector.pool, (entry.wishes.pool ?? pools.defaultPool) != pool { return false }
        if let site = selector.site, message.lane?.site != site { return false }
        if let state = selector.state, queueState(of: message) != state { return false }
        return true
    }

    /// The queue state as operators know it; an attempt that runs is told apart by the lane, see `QueueService`.
    func queueState(of message: QueuedMessage) -> String {
        switch message.state {
        case .resolving, .loading, .handed: "ready"
        case .waiting:
            switch message.entry.state {
            case .parked, .running: "parked"
            case .held: "held"
            case .scheduled: message.entry.reason == nil ? "scheduled" : "parked"
            }
        case .ended: "ended"
        }
    }
}
