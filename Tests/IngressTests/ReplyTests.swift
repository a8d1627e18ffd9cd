import MailModel
import MailTestKit
import NodeRuntime
import Spool
import Testing

/// The reply to the final dot says what the spool said (DESIGN §1, promise 1).
@Suite struct ReplyTests {
    @Test func thereIsNo250BeforeTheSpoolHasIt() async throws {
        let node = try await IngressNode()
        node.spool.set(.wait)
        async let results = node.send(to: ["r@own.test"])
        try await wait(until: "the append") { node.spool.waiting == 1 }
        // A second client on another connection is answered meanwhile: nothing else waits.
        node.spool.set(.succeed)
        #expect(try await node.send(to: ["other@own.test"]).map(\.codes) == ["250 2.0.0"])
        node.spool.answer(.success([Position(partition: 0, offset: 0)]))
        #expect(try await results.map(\.codes) == ["250 2.0.0"])
        try await node.stop()
    }

    @Test func aSpoolThatDoesNotAnswerIs451InTime() async throws {
        let node = try await IngressNode { $0.ingress.replyWithin = .milliseconds(200) }
        node.spool.set(.wait)
        let clock = ContinuousClock()
        let began = clock.now
        let results = try await node.send(to: ["r@own.test", "s@own.test"])
        let time = clock.now - began
        #expect(results.map(\.codes) == ["451 4.3.0", "451 4.3.0"])
        // And not after the two minutes that are usual.
        #expect(time >= .milliseconds(200) && time < .seconds(100))
        // The answer that comes after all is counted, and changes nothing.
        #expect(await !node.metrics.exposition().contains("apus_unconfirmed_messages_total{listener=\"inside\"} 1"))
        node.spool.answer(.success([Position(partition: 0, offset: 0)]))
        try await wait(until: "it is counted") {
            await node.metrics.exposition().contains("apus_unconfirmed_messages_total{listener=\"inside\"} 1")
        }
        try await node.stop()
    }

    @Test(arguments: [
        (SpoolError.Code.full, "451 4.3.1"), (.unavailable, "451 4.3.0"), (.unknownResult, "451 4.3.0"),
        (.recordTooLarge, "552 5.3.4"), (.closed, "451 4.3.0"),
    ]) func aFailureIsNever250(code: SpoolError.Code, codes: String) async throws {
        let node = try await IngressNode()
        node.spool.set(.fail(SpoolError(code, "no luck")))
        #expect(try await node.send(to: ["r@own.test"]).map(\.codes) == [codes])
        node.spool.set(.succeed)
        #expect(try await node.send(to: ["r@own.test"]).map(\.codes) == ["250 2.0.0"])
        try await node.stop()
    }
}
