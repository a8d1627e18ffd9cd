import MailModel
import NIOCore
import Spool

extension Dispatcher {
    /// What lanes report; called on their loops.
    func tell(_ news: LaneNews) {
        if loop.inEventLoop { return hear(news) }
        loop.execute { self.hear(news) }
    }

    private func hear(_ news: LaneNews) {
        switch news {
        case .reports(let reports): take(reports)
        case .down(let lane, let until, let reason): laneWentDown(lane, until: until, because: reason)
        }
    }

    /// Finishes what runs, commits it, and ends. Running attempts get `drain_time`, then they are cut off.
    func stop() -> EventLoopFuture<Void> {
        isStopping = true
        let time = settings.drainTime
        // Once a group has stopped, no attempt begins in it.
        let stopped = EventLoopFuture.andAllComplete(
            groups.map { group in group.loop.submit { group.stop() } }, on: loop)
        let cut = loop.scheduleTask(in: time) { [self] in
            for group in groups { group.loop.execute { group.abort() } }
        }
        let promise = loop.makePromise(of: Void.self)
        let end = NIODeadline.now() + time + .seconds(5)
        stopped.whenComplete { [self] _ in waitForQuiet(promise, until: end) }
        return promise.futureResult.always { _ in cut.cancel() }
    }

    /// Quiet: no attempt runs, nothing waits for a commit.
    private func waitForQuiet(_ promise: EventLoopPromise<Void>, until end: NIODeadline) {
        let isQuiet =
            gauge.count == 0 && batch.isEmpty && committing == nil && noticesInWork == 0 && commandsUnderWay.isEmpty
        if isQuiet || NIODeadline.now() > end { return promise.succeed() }
        planTurn()
        loop.scheduleTask(in: .milliseconds(10)) { self.waitForQuiet(promise, until: end) }
    }

    /// The group wants partitions back: nothing new of them, their attempts end, their outcomes are committed.
    func give(up revoked: [Int]) -> EventLoopFuture<Void> {
        for partition in revoked { partitions[partition]?.isRevoked = true }
        let set = Set(revoked)
        // Nothing of them is due any more.
        stores.removeAll { set.contains($0.partition) }
        submitOrders()
        for message in messages.values where set.contains(message.partition) {
            guard case .handed(let lane) = message.state else { continue }
            let (key, group) = (message.key, groups[group(of: lane)])
            group.loop.execute { group.withdraw(key, from: lane) }
        }
        let promise = loop.makePromise(of: Void.self)
        waitForRelease(set, promise, until: .now() + settings.drainTime)
        return promise.futureResult.map { [self] in lose(revoked) }
    }

    private func waitForRelease(_ revoked: Set<Int>, _ promise: EventLoopPromise<Void>, until end: NIODeadline) {
        let isBusy =
            messages.values.contains { message in
                if case .handed = message.state { revoked.contains(message.partition) } else { false }
            } || !batch.partitions.isDisjoint(with: revoked)
            || !(committing?.partitions.isDisjoint(with: revoked) ?? true)
        if !isBusy || NIODeadline.now() > end { return promise.succeed() }
        loop.scheduleTask(in: .milliseconds(10)) { self.waitForRelease(revoked, promise, until: end) }
    }

    /// The partitions are another sender's: all that is held of them is dropped.
    func lose(_ lost: [Int]) {
        let set = Set(lost)
        for message in messages.values where set.contains(message.partition) {
            release(message)
            messages[message.key] = nil
        }
        for load in lanes.values { load.parked.removeAll { set.contains(Int($0.partition)) } }
        for partition in lost { partitions[partition] = nil }
        stores.removeAll { set.contains($0.partition) }
        paused.subtract(set)
        notices.removeAll { set.contains($0.partition) }
        batch.drop(set)
        // Room they had is others' now.
        for lane in lanes.keys { callParked(lane) }
        resumeIntake()
        planTurn()
    }
}
