import DeliveryPolicy
import MailModel
import MailTestKit
import NodeRuntime
import Sender
import Spool
import Synchronization
import Testing

/// No accepted recipient without exactly one final event, whatever the next hosts do (DESIGN §1, promise 3).
@Suite struct ConservationTests {
    @Test(arguments: [UInt64(1), 2, 3])
    func everyRecipientEndsOnce(seed: UInt64) async throws {
        let fixture = try await Fixture()
        let rough = [
            try await ScriptedPeer(RoughScript(seed: seed).script),
            try await ScriptedPeer(RoughScript(seed: seed + 1000).script),
        ]
        let kind = try await ScriptedPeer()
        let routes = """
            a.test: {relay: 127.0.0.1:\(rough[0].port)}
            b.test: {relay: 127.0.0.1:\(rough[0].port)}
            c.test: {relay: [127.0.0.1:\(rough[1].port), 127.0.0.1:\(rough[0].port)]}
            discard.test: {discard: true}
            "*": {relay: 127.0.0.1:\(kind.port)}
            """
        let configuration = try Fixture.configuration(routes: routes)
        let node = try await fixture.start(configuration)
        let messages = try Self.messages(seed: seed, count: 60)
        try await fixture.spool.put(messages)
        try await wait(until: "the end of every message, seed \(seed)") {
            try await node.isQuiet()
        }
        let events = try await fixture.events.all()
        let accepted = Dictionary(grouping: events.filter { $0.type == "accepted" }, by: \.subject)
        let given = Set(
            messages.flatMap { message in
                message.envelope.recipients.map { "\(message.queueID)/\(message.part)/\($0.mailbox)" }
            })
        #expect(given.isSubset(of: accepted.keys), "seed \(seed)")
        #expect(accepted.values.allSatisfy { $0.count == 1 }, "seed \(seed)")
        expectOneEnd(events, seed: seed)
        expectWhatPeersTook(events, rough, seed: seed)
        try await expectTotals(events, node)
        #expect(kind.taken.count == events.count { $0.type == "delivered" && $0.domain == "origin.test" })
        try await node.stop()
        await fixture.close()
    }

    private func expectOneEnd(_ events: [LoggedEvent], seed: UInt64) {
        for (subject, story) in Dictionary(grouping: events.filter { $0.type != "accepted" }, by: \.subject) {
            let deferred = story.filter { $0.type == "deferred" }
            let finals = story.filter(\.isFinal)
            #expect(finals.count == 1, "\(subject), seed \(seed): \(story.map(\.type))")
            #expect(deferred.map(\.attempt) == Array(1..<(deferred.count + 1)), "\(subject), seed \(seed)")
            #expect(deferred.allSatisfy { $0.nextAttempt != nil }, "\(subject), seed \(seed)")
            let last = finals.first?.attempt ?? 0
            let isNumbered = last == deferred.count + 1 || finals.first?.type == "expired" && last == deferred.count
            #expect(isNumbered, "\(subject), seed \(seed): \(deferred.count) deferrals, then number \(last)")
        }
    }

    /// Delivered is exactly what got a 250; what was cut off after the dot is told as ambiguous.
    private func expectWhatPeersTook(_ events: [LoggedEvent], _ peers: [ScriptedPeer], seed: UInt64) {
        var taken: [String: Int] = [:]
        for mail in peers.flatMap(\.taken) {
            for recipient in mail.recipients { taken["\(mail.queueID)/\(recipient)", default: 0] += 1 }
        }
        var delivered: [String: Int] = [:]
        for event in events where event.type == "delivered" && ["a.test", "b.test", "c.test"].contains(event.domain) {
            delivered["\(event.queueID)/\(event.recipient)", default: 0] += 1
        }
        let odd = Set(taken.keys).union(delivered.keys).filter { taken[$0] != delivered[$0] }
        #expect(odd.isEmpty, "seed \(seed)")
        #expect(events.contains { $0.ambiguous == true }, "seed \(seed) cut nothing off after the dot")
    }

    private func expectTotals(_ events: [LoggedEvent], _ node: SenderNode) async throws {
        func count(_ type: String) -> UInt64 { UInt64(events.count { $0.type == type }) }
        #expect(await node.differences().allSatisfy { $0 == 0 })
        #expect(await node.total { $0.totals.accepted } == count("accepted"))
        #expect(await node.total { $0.totals.delivered } == count("delivered"))
        #expect(await node.total { $0.totals.failed } == count("failed"))
        #expect(await node.total { $0.totals.expired } == count("expired"))
    }

    private static func messages(seed: UInt64, count: Int) throws -> [MessageRecord] {
        var random = SeededRandom(seed: seed)
        let domains = ["a.test", "b.test", "c.test", "discard.test"]
        var messages: [MessageRecord] = []
        for number in 0..<count {
            let id = QueueID(time: .now(), using: &random)
            let parts = Int.random(in: 1...2, using: &random)
            let wantsNotice = Bool.random(using: &random)
            for part in 0..<parts {
                let domain = domains[Int.random(in: 0..<domains.count, using: &random)]
                let recipients = (0..<Int.random(in: 1...5, using: &random)).map {
                    "r\(number)-\(part)-\($0)@\(domain)"
                }
                messages.append(
                    try Fixture.message(
                        to: recipients, from: "o\(number)@origin.test", dsn: wantsNotice,
                        lifetime: number % 10 == 0 ? .milliseconds(300) : nil, queueID: id, part: part, parts: parts))
            }
        }
        return messages
    }
}

/// Answers by chance: mostly yes, and every kind of no at every step. The first message is cut off after its dot.
private final class RoughScript: Sendable {
    private let random: Mutex<SeededRandom>
    private let isFirstDot = Mutex(true)

    init(seed: UInt64) { random = Mutex(SeededRandom(seed: seed)) }

    var script: ScriptedPeer.Script { { step in self.answer(step) } }

    private func answer(_ step: ScriptedPeer.Step) -> ScriptedPeer.Answer {
        let (first, second) = random.withLock { random in
            (Int.random(in: 0..<100, using: &random), Int.random(in: 0..<100, using: &random))
        }
        if case .dot = step, isFirstDot.withLock({ $0 }) {
            isFirstDot.withLock { $0 = false }
            return .hangUp
        }
        if case .greeting = step { return first < 5 ? .hangUp : .reply(ScriptedPeer.agreement(to: step)) }
        if first >= 25 { return .reply(ScriptedPeer.agreement(to: step)) }
        return switch second {
        case ..<45: .reply("450 4.3.0 not now")
        case ..<55: .reply("421 4.3.2 closing")
        case ..<75: .reply("550 5.6.0 never")
        default: .hangUp
        }
    }
}
