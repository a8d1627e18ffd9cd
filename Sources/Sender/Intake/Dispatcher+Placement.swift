import DeliveryPolicy
import MailModel
import NIOCore
import SMTPProtocol
import Spool

extension Dispatcher {
    /// Finds where a message goes now: its site, its source, and room in their lane. Ends in a lane, or waiting.
    func place(_ message: QueuedMessage) {
        message.state = .resolving
        if isStopping { return park(message, because: "the sender is stopping", due: .now()) }
        if !message.commands.isEmpty { return carryOut(message.commands, on: message) }
        if suppress(message) { return }
        if message.entry.expiry <= .now() { return expire(message, nil) }
        if message.entry.state == .held { return putDown(message, Rest(due: message.entry.expiry, lane: message.lane)) }
        let route = router.route(message.entry)
        switch sites.site(of: route, for: message) {
        case .site(let site) where site.kind == .discard: discard(message)
        case .site(let site): assign(message, to: site)
        case .failure(let failure): lookupFailed(message, failure, route.kind)
        case .crowded:
            park(message, because: "many messages wait for the hosts of their domains", due: .now() + .seconds(5))
        case .pending:
            // Content that waits for an answer counts as ready, and is dropped when there is no room for it.
            if message.content != nil, !message.isReserved {
                if readyBytes + message.entry.size > settings.totalBytes {
                    message.content = nil
                } else {
                    reserve(message, in: nil)
                }
            }
        }
    }

    private func assign(_ message: QueuedMessage, to site: Site) {
        if !message.commands.isEmpty { return carryOut(message.commands, on: message) }
        let source: Source
        var pool: String?
        if site.isLocal {
            source = .local(settings.hostname)
        } else {
            let wanted = self.pool(of: message, site.settings)
            pool = wanted
            guard let next = nextSource(for: message, in: wanted, site) else {
                return park(message, because: "pool \(wanted) has no usable source", due: .now() + .seconds(60))
            }
            source = next
        }
        let lane = LaneKey(site: site.name, source: source.name, route: site.settings.route)
        if lanes[lane] == nil {
            lastLaneNumber += 1
            lanes[lane] = LaneLoad(
                number: lastLaneNumber,
                context: LaneContext(
                    site: site.name, route: site.kind, source: site.isLocal ? "" : source.name, pool: pool))
        }
        let target = LaneTarget(key: lane, site: site, source: source)
        partitions[message.partition]?.resting.noteLane(lane, of: message.entry)
        guard hasRoom(for: message.entry.size, in: lane) else {
            tellDelay(of: message)
            return park(message, in: lane)
        }
        release(message)
        reserve(message, in: lane)
        message.lastLane = lane
        message.entry.reason = nil
        message.state = .loading(target)
        if message.content == nil { toLoad.append(message) } else { submit(message, to: target) }
        planTurn()
    }

    private func pool(of message: QueuedMessage, _ settings: LaneSettings) -> String {
        message.entry.wishes.pool ?? settings.pool ?? pools.defaultPool
    }

    /// One that this attempt has not used; where there is a choice, one whose lane is not down.
    private func nextSource(for message: QueuedMessage, in pool: String, _ site: Site) -> Source? {
        let now = Timestamp.now()
        let isUntried = { (source: String) in !message.refusedSources.contains(source) }
        return pools.next(in: pool) { source in
            let down = lanes[LaneKey(site: site.name, source: source, route: site.settings.route)]?.down
            return isUntried(source) && down.map { $0.until <= now } ?? true
        } ?? pools.next(in: pool, where: isUntried)
    }

    /// Whether the pool has a source that neither this attempt has used nor is down at the site of a lane.
    func hasOtherSource(_ message: QueuedMessage, than lane: LaneKey, _ context: LaneContext) -> Bool {
        guard let pool = context.pool else { return false }
        return pools.has(in: pool) { source in
            source != lane.source && !message.refusedSources.contains(source)
                && lanes[LaneKey(site: lane.site, source: source, route: lane.route)]?.down == nil
        }
    }

    /// Bounds of the lane and of the node; a lane that is down has room for its probe alone.
    func hasRoom(for size: Int, in lane: LaneKey) -> Bool {
        guard let load = lanes[lane] else { return false }
        if let down = load.down { return down.until <= .now() && load.messages == 0 }
        return load.messages < settings.readyMessages
            && (load.bytes + size <= settings.readyBytes || load.messages == 0)
            && (readyBytes + size <= settings.totalBytes || load.messages == 0)
    }

    func submit(_ message: QueuedMessage, to target: LaneTarget) {
        guard let content = message.content else { return }
        let entry = message.entry
        let isLastSource =
            target.site.isLocal
            || !pools.has(in: pool(of: message, target.site.settings)) { source in
                source != target.source.name && !message.refusedSources.contains(source)
            }
        var order = Order(
            key: message.key, epoch: message.epoch, isLastSource: isLastSource,
            transaction: OutboundTransaction(
                reversePath: entry.reversePath, recipients: entry.recipients.map(\.recipient), content: content,
                smtpUTF8: entry.smtpUTF8, body: message.body, envelopeID: entry.envelopeID,
                returnContent: entry.returnContent))
        order.tenant = entry.wishes.tenant
        order.pool = pool(of: message, target.site.settings)
        order.reversePaths = reversePaths(of: message, from: order.pool)
        message.state = .handed(target.key)
        let group = group(of: target.key)
        let number = lanes[target.key]?.number ?? 0
        submissions[group, default: [:]][
            target.key, default: LaneGroup.Submission(target: target, number: number, orders: [])
        ].orders.append(order)
    }

    func submitOrders() {
        for (index, batch) in submissions {
            let group = groups[index]
            let submissions = Array(batch.values)
            if group.loop === loop {
                group.enqueue(submissions)
            } else {
                group.loop.execute { group.enqueue(submissions) }
            }
        }
        submissions.removeAll(keepingCapacity: true)
    }

    // MARK: Room

    func reserve(_ message: QueuedMessage, in lane: LaneKey?) {
        message.reservation = lane.map { .lane($0) } ?? .memory
        keepRoom(message.entry.size, in: lane)
    }

    func keepRoom(_ size: Int, in lane: LaneKey?) {
        readyBytes += size
        guard let load = lane.flatMap({ lanes[$0] }) else { return }
        load.messages += 1
        load.bytes += size
    }

    func giveRoom(_ size: Int, in lane: LaneKey?) {
        readyBytes -= size
        guard let load = lane.flatMap({ lanes[$0] }) else { return }
        load.messages -= 1
        load.bytes -= size
    }

    func release(_ message: QueuedMessage) {
        guard let reservation = message.reservation else { return }
        message.reservation = nil
        if case .lane(let lane) = reservation {
            giveRoom(message.entry.size, in: lane)
        } else {
            giveRoom(message.entry.size, in: nil)
        }
    }

    // MARK: Ends without a lane

    private func discard(_ message: QueuedMessage) {
        let reply = Reply(250, StatusDetail(0, 0), "discarded by its route")
        let outcomes = message.entry.recipients.map { _ in Attempt.Outcome.delivered(reply) }
        settle(
            message, Attempt(outcomes: outcomes, began: .now(), facts: .init()),
            LaneContext(site: "discard", route: .discard, source: "", pool: nil))
    }

    /// No host to connect to: an attempt of its own, judged like every other.
    private func lookupFailed(_ message: QueuedMessage, _ failure: Failure, _ route: Site.Kind) {
        let disposition = FailurePolicy.disposition(of: failure, in: .init(isLastHost: true))
        let outcomes = message.entry.recipients.map { _ in Attempt.Outcome.failed(failure, disposition) }
        settle(
            message, Attempt(outcomes: outcomes, began: .now(), facts: .init()),
            LaneContext(site: message.entry.domain.name, route: route, source: "", pool: nil))
    }
}

/// A lane with all that is needed to make it.
struct LaneTarget: Sendable {
    let key: LaneKey
    let site: Site
    let source: Source
}
