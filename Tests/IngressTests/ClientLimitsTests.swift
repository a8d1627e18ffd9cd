import Ingress
import MailModel
import MailTestKit
import NodeRuntime
import SMTPProtocol
import Testing

@Suite struct ClientLimitsTests {
    private static let second: Int64 = 1_000_000_000

    private func limits(_ change: (inout ClientLimitsConfiguration) -> Void) -> ClientLimits {
        var configuration = ClientLimitsConfiguration()
        change(&configuration)
        return ClientLimits(configuration)
    }

    private func client(_ number: Int) throws -> IPAddress {
        try #require(IPAddress("10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"))
    }

    @Test func allAtOnceThenAtItsRate() throws {
        var limits = limits { $0.messageRate = Rate(60, per: .minute) }
        let one = try client(1)
        let start = 1_000 * Self.second
        for _ in 0..<60 { #expect(limits.take(.messages, of: one, now: start) == .allowed) }
        #expect(limits.take(.messages, of: one, now: start) == .refused(isNews: true))
        #expect(limits.take(.messages, of: one, now: start + Self.second - 1) == .refused(isNews: false))
        #expect(limits.take(.messages, of: one, now: start + Self.second) == .allowed)
        #expect(limits.take(.messages, of: one, now: start + Self.second) == .refused(isNews: false))
        #expect(limits.take(.messages, of: one, now: start + 61 * Self.second) == .allowed)
        // Nothing was asked for so long that all is given back, and the next refusal is news again.
        for _ in 0..<60 { #expect(limits.take(.messages, of: one, now: start + 600 * Self.second) == .allowed) }
        #expect(limits.take(.messages, of: one, now: start + 600 * Self.second) == .refused(isNews: true))
    }

    @Test func clientsAndLimitsDoNotShare() throws {
        var limits = limits {
            $0.messageRate = Rate(1, per: .hour)
            $0.recipientRate = Rate(2, per: .hour)
        }
        let (one, two) = (try client(1), try client(2))
        #expect(limits.take(.messages, of: one, now: 5) == .allowed)
        #expect(limits.take(.messages, of: one, now: 5) != .allowed)
        #expect(limits.take(.messages, of: two, now: 5) == .allowed)
        #expect(limits.take(.recipients, of: one, now: 5) == .allowed)
        #expect(limits.take(.recipients, of: one, now: 5) == .allowed)
        #expect(limits.take(.recipients, of: one, now: 5) != .allowed)
        #expect(limits.isLimited(.recipients) && !limits.isLimited(.connections))
        for _ in 0..<1000 { #expect(limits.take(.connections, of: one, now: 5) == .allowed) }
    }

    /// In no window of the unit more than twice the rate, over a long time no more than the rate.
    @Test func boundHoldsHoweverItIsAsked() throws {
        var random = SeededRandom(seed: 11)
        for rate in [Rate(10, per: .second), Rate(7, per: .minute), Rate(1, per: .hour)] {
            var limits = limits { $0.connectionRate = rate }
            let (unit, one) = (rate.unit.duration.components.seconds * Self.second, try client(1))
            var (now, taken): (Int64, [Int64]) = (Self.second, [])
            for _ in 0..<5000 {
                now += Int64.random(in: 0...(unit / Int64(rate.count)), using: &random)
                if limits.take(.connections, of: one, now: now) == .allowed { taken.append(now) }
            }
            for (index, moment) in taken.enumerated() where index >= 2 * rate.count {
                #expect(moment - taken[index - 2 * rate.count] >= unit - unit / Int64(rate.count))
            }
            #expect(Int64(taken.count) <= (now - Self.second) * Int64(rate.count) / unit + Int64(rate.count) + 1)
            #expect(Int64(taken.count) >= (now - Self.second) * Int64(rate.count) / unit / 2)
        }
    }

    @Test func notedErrorsBlockUntilTheyAreGivenBack() throws {
        var limits = limits { $0.errorRate = Rate(10, per: .minute) }
        let one = try client(1)
        #expect(limits.check(.errors, of: one, now: 0) == .allowed && limits.count == 0)
        limits.note(.errors, 9, of: one, now: 0)
        #expect(limits.check(.errors, of: one, now: 0) == .allowed)
        limits.note(.errors, Int.max, of: one, now: 0)
        #expect(limits.check(.errors, of: one, now: 0) == .refused(isNews: true))
        #expect(limits.check(.errors, of: one, now: 5 * Self.second) == .refused(isNews: false))
        #expect(limits.check(.errors, of: one, now: 6 * Self.second) == .allowed)
    }

    /// A flood of clients takes a bounded number of places; the one that was seen of late keeps its.
    @Test func memoryIsBounded() throws {
        var limits = limits {
            $0.messageRate = Rate(1, per: .day)
            $0.remembered = 1000
        }
        let known = try client(0)
        #expect(limits.take(.messages, of: known, now: 0) == .allowed)
        for number in 1...20_000 {
            #expect(limits.take(.messages, of: try client(number), now: Int64(number)) == .allowed)
            if number % 500 == 0 { #expect(limits.take(.messages, of: known, now: Int64(number)) != .allowed) }
            #expect(limits.count <= 1000)
        }
        #expect(limits.count == 1000)
        // Forgotten, it starts anew.
        #expect(limits.take(.messages, of: try client(1), now: 20_001) == .allowed)
        #expect(limits.take(.messages, of: try client(20_000), now: 20_001) != .allowed)
    }

    @Test func ratesBeyondMeasure() throws {
        var limits = limits {
            $0.messageRate = Rate(999_999_999_999_999, per: .second)
            $0.recipientRate = Rate(1, per: .day)
        }
        for _ in 0..<1000 { #expect(limits.take(.messages, of: try client(1), now: 7) == .allowed) }
        limits.note(.messages, .max, of: try client(1), now: 7)
        #expect(limits.take(.recipients, of: try client(1), now: .max / 4) == .allowed)
    }
}
