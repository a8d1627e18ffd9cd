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
        guard remember(command) else { return 0 }
        var matched = 0
        for message in select(command.selector) { matched += apply(command, to: message) }
        for (partition, state) in partitions { matched += mark(command, in: partition, state) }
        planTurn()
        return matched
    }

    private func apply(_ command: QueueCommand, to message: QueuedMessage) -> Int {
        let state = Self.state(message.entry.state, after: message.commands)
        guard message.entry.arrival <= command.issued, !message.isEnded, isNews(command, to: message.entry, in: state)
        else { return 0 }
        let matched = message.recipientCount
        switch message.state {
        case .leaving, .left: carryOut([command], on: message)
        case .handed(let lane):
            guard command.action.endsAttempts || !message.commands.isEmpty else { break }
            message.commands.append(command)
            // The order may not have left this loop yet.
            submitOrders()
            let (key, group) = (message.key, groups[group(of: lane)])
            group.loop.execute { group.withdraw(key, from: lane) }
        case .resolving, .loading:
            if command.action.endsAttempts || !message.commands.isEmpty { message.commands.append(command) }
        case .ended: return 0
        }
        return matched
    }

    /// Whether a command was not carried out on a message already, by this process or one before it.
    ///
    /// - Parameter state: That of the message when it comes to the command, where it is not the present one.
    func isNews(_ command: QueueCommand, to entry: ScheduleEntry, in state: ScheduleEntry.State? = nil) -> Bool {
        if let last = entry.lastCommand, last >= command.issued { return false }
        // Applied again after a restart, a retry must not undo the attempt that followed it.
        if command.action == .retry, let last = entry.lastAttempt, last > command.issued { return false }
        return Self.applies(command, inState: state ?? entry.state)
    }

    /// What is held is only released, ended, or sent another way.
    private static func applies(_ command: QueueCommand, inState state: ScheduleEntry.State) -> Bool {
        switch command.action {
        case .retry, .hold: state != .held
        case .release: state == .held
        case .fail, .drop, .reroute: true
        }
    }

    /// The state of a message once commands that wait for it are carried out.
    private static func state(
        _ state: ScheduleEntry.State, after commands: [QueueCommand]
    ) -> ScheduleEntry.State {
        commands.reduce(state) { state, command in
            switch command.action {
            case .hold: .held
            case .release: .scheduled
            case .retry, .fail, .drop, .reroute: state
            }
        }
    }

    /// Wakes the resting messages of a partition that a command means; it is carried out once they are read, after
    /// those that they wake for already.
    func mark(_ command: QueueCommand, in partition: Int, _ state: PartitionState) -> Int {
        let store = state.resting
        guard let filter = filter(command.selector, in: store) else { return 0 }
        var numbers: [UInt32: UInt32] = [:]
        var matched = 0
        for slot in filter.slots() {
            let message = store[slot]
            let earlier = commandsUnderWay[message.command]?.commands ?? []
            guard message.arrival <= command.issued,
                Self.applies(command, inState: Self.state(message.state, after: earlier))
            else { continue }
            let number =
                numbers[message.command]
                ?? {
                    lastCommandNumber += 1
                    commandsUnderWay[lastCommandNumber] = (earlier + [command], 0)
                    return lastCommandNumber
                }()
            numbers[message.command] = number
            commandsUnderWay[number]?.messages += 1
            _ = takeCommands(message.command)
            store[slot].command = number
            matched += Int(message.recipients)
            wake(slot, of: partition, state, isCommanded: true)
        }
        return matched
    }

    /// The commands that a resting message was woken for, in order.
    func takeCommands(_ number: UInt32) -> [QueueCommand] {
        guard let (commands, messages) = commandsUnderWay[number] else { return [] }
        commandsUnderWay[number] = messages > 1 ? (commands, messages - 1) : nil
        return commands
    }

    func filter(
        _ selector: QueueSelector, bounceClass: String? = nil, in store: RestingStore
    ) -> RestingFilter? {
        guard store.count > 0 else { return nil }
        return RestingFilter(selector, bounceClass: bounceClass, defaultPool: pools.defaultPool, in: store)
    }

    /// - Returns: False where the command was applied already: after an error `control` is read again.
    private func remember(_ command: QueueCommand) -> Bool {
        commands.removeAll { $0.issued + .seconds(86_400) < .now() }
        guard !commands.contains(where: { $0.id == command.id }) else { return false }
        if commands.count >= 10_000 { commands.removeFirst() }
        commands.append(command)
        latestCommand = max(latestCommand, command.issued)
        return true
    }

    /// Carries out what was commanded before a message was read: its last owner may have died in between.
    ///
    /// Not what selects by a state or site: that meant messages which were in the queue.
    func applyEarlierCommands(to message: QueuedMessage) {
        guard message.entry.arrival <= latestCommand else { return }
        for command in commands where !command.selector.isMomentary {
            if matches(message, command.selector) { _ = apply(command, to: message) }
        }
    }

    /// Carries commands out, in order, on a message that no lane holds.
    func carryOut(_ commands: [QueueCommand], on message: QueuedMessage) {
        message.commands = []
        var isTouched = false
        for (index, command) in commands.enumerated() where !message.isEnded && isNews(command, to: message.entry) {
            // What follows a retry takes its place.
            if command.action == .retry, index < commands.count - 1 { continue }
            isTouched = true
            carryOut(command, on: message)
        }
        if !isTouched { place(message) }
    }

    private func carryOut(_ command: QueueCommand, on message: QueuedMessage) {
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
        case .hold:
            message.entry.state = .held
            message.entry.reason = "held by \(command.actor)" + (command.reason.map { ": \($0)" } ?? "")
            change(message, by: command, Rest(due: message.entry.expiry, lane: message.lane))
        case .release:
            message.entry.state = .scheduled
            message.entry.reason = nil
            change(message, by: command, Rest(due: .now(), lane: message.lane))
        case .reroute:
            if let pool = command.pool { message.entry.wishes.pool = pool }
            if let relay = command.relay { message.entry.relay = relay.isEmpty ? nil : relay }
            message.lastLane = nil
            // Parked for a lane it will not go to.
            if message.entry.state != .held { (message.entry.state, message.entry.reason) = (.scheduled, nil) }
            let due = message.entry.state == .held ? message.entry.expiry : .now()
            change(message, by: command, Rest(due: due))
        }
    }

    /// Writes what a command has changed, so that it survives; then the message rests, or goes on at once.
    private func change(_ message: QueuedMessage, by command: QueueCommand, _ rest: Rest) {
        message.entry.lastCommand = command.issued
        message.refusedSources = []
        if message.entry.state != .held { message.entry.due = rest.due }
        store(message)
        putDown(message, rest)
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
        case .resolving, .loading, .handed, .left: "ready"
        case .leaving(let rest):
            switch message.entry.state {
            case .parked, .running: "parked"
            case .held: "held"
            case .scheduled: rest.reason == nil ? "scheduled" : "parked"
            }
        case .ended: "ended"
        }
    }
}
