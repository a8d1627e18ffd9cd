import MailModel
import Spool

/// A selector in the numbers of one store, so that a million messages are looked through in milliseconds.
struct RestingFilter {
    private let store: RestingStore
    private let selector: QueueSelector
    private let domain: UInt32?
    /// By number of the labels, whether they match; `nil` where all do.
    private var labels: [Bool]?
    /// By number of the lane, whether its site matches; `nil` where all do.
    private var lanes: [Bool]?
    private let classes: BounceClassSet?

    /// - Returns: `nil` where the store has no such message.
    init?(_ selector: QueueSelector, bounceClass: String?, defaultPool: String, in store: RestingStore) {
        self.store = store
        self.selector = selector
        classes = bounceClass.map { BounceClassSet($0) }
        domain = selector.domain.flatMap { store.domains.number(of: $0) }
        if selector.domain != nil, domain == nil { return nil }
        if selector.tenant != nil || selector.campaign != nil || selector.pool != nil {
            labels = store.labels.map { labels in
                (selector.tenant == nil || labels.tenant == selector.tenant)
                    && (selector.campaign == nil || labels.campaign == selector.campaign)
                    && (selector.pool == nil || (labels.pool ?? defaultPool) == selector.pool)
            }
            if labels?.contains(true) != true { return nil }
        }
        if let site = selector.site {
            lanes = store.lanes.map { $0.site == site }
            if lanes?.contains(true) != true { return nil }
        }
    }

    func matches(_ message: RestingMessage) -> Bool {
        if let domain, message.domain != domain { return false }
        if let labels, !labels[Int(message.labels)] { return false }
        if let lanes, !lanes[Int(message.lane)] { return false }
        if let classes, message.classes.isDisjoint(with: classes) { return false }
        if let state = selector.state, message.queueState != state { return false }
        return true
    }

    /// Slots of the messages that match, in no order.
    func slots() -> [UInt32] {
        var found: [UInt32] = []
        if let id = selector.queueID {
            store.forEachPart(of: id) { slot in if matches(store[slot]) { found.append(slot) } }
        } else {
            store.forEach { slot, message in if matches(message) { found.append(slot) } }
        }
        return found
    }

    /// Calls `body` with each message that matches, in no order; it must not change the store.
    func forEach(_ body: (RestingMessage) -> Void) {
        guard selector.queueID == nil else { return slots().forEach { body(store[$0]) } }
        store.forEach { _, message in if matches(message) { body(message) } }
    }
}
