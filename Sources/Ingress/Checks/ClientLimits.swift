package import MailModel
package import NodeRuntime

/// How often each client did something of late. Knows no clock; time comes as nanoseconds of any steady origin.
///
/// A rate of `100/m` allows 100 at once and gives one back every 600 ms, so in no minute more than 200, and 100 in the long
/// run. A client takes the same few bytes whatever the rates are. Clients seen longest ago are forgotten beyond `capacity`.
package struct ClientLimits: Sendable {
    package enum Limit: Int, CaseIterable, Sendable { case connections, messages, recipients, errors }

    package enum Verdict: Equatable, Sendable {
        case allowed
        /// - Parameter isNews: The first time in a minute for this client.
        case refused(isNews: Bool)
    }

    /// Generic cell rate algorithm: only the moment is kept at which all is given back.
    private struct Pace {
        /// Nanoseconds in which one is given back.
        let interval: Int64
        /// All there may be at once, in the same measure.
        let depth: Int64

        init(_ rate: Rate) {
            let unit = rate.unit.duration.components.seconds * 1_000_000_000
            interval = max(1, unit / Int64(rate.count))
            depth = interval * Int64(rate.count)
        }
    }

    private struct Slot {
        var client: IPAddress
        var newer: Int32 = -1
        var older: Int32 = -1
        var toldAt: Int64 = .min
        /// When all is given back, one of each limit.
        var restored: InlineArray<4, Int64> = InlineArray(repeating: .min)
    }

    private let paces: InlineArray<4, Pace?>
    private let capacity: Int
    private var slots: [Slot] = []
    private var places: [IPAddress: Int32] = [:]
    private var newest: Int32 = -1
    private var oldest: Int32 = -1

    package init(_ configuration: ClientLimitsConfiguration) {
        paces = [
            configuration.connectionRate.map(Pace.init), configuration.messageRate.map(Pace.init),
            configuration.recipientRate.map(Pace.init), configuration.errorRate.map(Pace.init),
        ]
        capacity = configuration.remembered
    }

    package var count: Int { slots.count }

    package func isLimited(_ limit: Limit) -> Bool { paces[limit.rawValue] != nil }

    /// One more, if it may be.
    package mutating func take(_ limit: Limit, of client: IPAddress, now: Int64) -> Verdict {
        guard let pace = paces[limit.rawValue] else { return .allowed }
        let place = touch(client)
        let next = max(slots[place].restored[limit.rawValue], now) + pace.interval
        guard next - now <= pace.depth else { return refuse(place, now) }
        slots[place].restored[limit.rawValue] = next
        return .allowed
    }

    /// So many happened, whether they may or not.
    package mutating func note(_ limit: Limit, _ count: Int, of client: IPAddress, now: Int64) {
        guard let pace = paces[limit.rawValue] else { return }
        let place = touch(client)
        let added = pace.interval.multipliedReportingOverflow(by: Int64(count))
        let next =
            max(slots[place].restored[limit.rawValue], now)
            + (added.overflow ? pace.depth : min(added.partialValue, pace.depth))
        // What is beyond the depth is not held against the client: it waits for one interval at a time.
        slots[place].restored[limit.rawValue] = min(next, now + pace.depth)
    }

    /// Whether one more would be refused; takes nothing.
    package mutating func check(_ limit: Limit, of client: IPAddress, now: Int64) -> Verdict {
        guard let pace = paces[limit.rawValue], let place = places[client] else { return .allowed }
        let next = max(slots[Int(place)].restored[limit.rawValue], now) + pace.interval
        return next - now <= pace.depth ? .allowed : refuse(Int(place), now)
    }

    private mutating func refuse(_ place: Int, _ now: Int64) -> Verdict {
        let isNews = slots[place].toldAt == .min || now - slots[place].toldAt >= 60_000_000_000
        if isNews { slots[place].toldAt = now }
        return .refused(isNews: isNews)
    }
}

/// The clients in the order they were last seen.
extension ClientLimits {
    private mutating func touch(_ client: IPAddress) -> Int {
        if let place = places[client] {
            guard place != newest else { return Int(place) }
            unlink(place)
            link(place)
            return Int(place)
        }
        let place: Int32
        if slots.count < capacity {
            place = Int32(slots.count)
            slots.append(Slot(client: client))
        } else {
            place = oldest
            unlink(place)
            places[slots[Int(place)].client] = nil
            slots[Int(place)] = Slot(client: client)
        }
        places[client] = place
        link(place)
        return Int(place)
    }

    private mutating func link(_ place: Int32) {
        slots[Int(place)].older = newest
        slots[Int(place)].newer = -1
        if newest >= 0 { slots[Int(newest)].newer = place } else { oldest = place }
        newest = place
    }

    private mutating func unlink(_ place: Int32) {
        let (newer, older) = (slots[Int(place)].newer, slots[Int(place)].older)
        if newer >= 0 { slots[Int(newer)].older = older } else { newest = older }
        if older >= 0 { slots[Int(older)].newer = newer } else { oldest = newer }
    }
}
