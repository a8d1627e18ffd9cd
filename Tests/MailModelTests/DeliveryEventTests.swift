import Foundation
import MailModel
import NIOCore
import Testing

struct DeliveryEventTests {
    private func json(_ event: DeliveryEvent) throws -> [String: Any] {
        var buffer = ByteBuffer(string: "before")
        event.writeJSON(into: &buffer)
        #expect(buffer.readString(length: 6) == "before")
        #expect(!buffer.readableBytesView.contains(UInt8(ascii: "\n")), "one event, one line")
        let value = try JSONSerialization.jsonObject(with: Data(buffer.readableBytesView))
        return try #require(value as? [String: Any])
    }

    @Test(arguments: DeliveryEvent.Kind.allCases)
    func leavesOutWhatHasNoValue(kind: DeliveryEvent.Kind) throws {
        let object = try json(DeliveryEvent(kind, at: Timestamp(milliseconds: 0)))
        #expect(object["type"] as? String == kind.rawValue)
        #expect(Set(object.keys) == ["event_id", "type", "time"])
    }

    @Test func everyFieldHasItsStableName() throws {
        var event = DeliveryEvent(.deferred, at: Timestamp(milliseconds: 1_772_357_400_123))
        event.eventID = "0123"
        event.queueID = QueueID(high: 1, low: 2)
        (event.part, event.attempt, event.size) = (0, 3, 4096)
        (event.messageID, event.envelopeID, event.reversePath) = ("<a@b>", "env", "")
        (event.recipient, event.originalRecipient, event.domain) = ("x@y.z", "rfc822;x@y.z", "y.z")
        (event.site, event.provider, event.route, event.protocol) = ("mx.z", "p", "mx", "smtp")
        (event.source, event.sourceAddress, event.pool) = ("a1", "192.0.2.1", "default")
        (event.tenant, event.campaign) = ("t", "c")
        (event.class, event.severity) = ("quota-issues", "soft")
        (event.nextAttempt, event.ambiguous) = (Timestamp(milliseconds: 1_772_357_700_000), true)
        event.reply = Reply(450, StatusDetail(2, 1), "later")
        event.remote = .init(host: "mx.z", address: "192.0.2.9")
        event.client = .init(address: "192.0.2.8", ehlo: "c.d", user: "u")
        (event.listener, event.session, event.node) = ("l", "s", "mx1")
        event.tls = TLSFacts(version: "TLSv1.3", cipher: "X", policy: "required", verified: false)
        (event.reason, event.actor) = ("r", "root")
        event.timing = .init(queued: 1, connect: 2, transfer: 3)
        let object = try json(event)
        #expect(
            Set(object.keys) == [
                "event_id", "type", "time", "queue_id", "part", "message_id", "envelope_id", "reverse_path",
                "recipient",
                "orcpt", "domain", "site", "provider", "route", "protocol", "source", "source_address", "pool",
                "tenant",
                "campaign", "attempt", "next_attempt", "reply", "class", "severity", "ambiguous", "remote", "client",
                "listener",
                "session", "tls", "size", "node", "reason", "actor", "timing",
            ])
        #expect(object["time"] as? String == "2026-03-01T09:30:00.123Z")
        #expect(object["reverse_path"] as? String == "")
        #expect(object["part"] as? Int == 0)
        #expect(object["ambiguous"] as? Bool == true)
        let reply = try #require(object["reply"] as? [String: Any])
        #expect(reply["code"] as? Int == 450)
        #expect(reply["enhanced"] as? String == "4.2.1")
        #expect(object["timing"] as? [String: Int] == ["queued_ms": 1, "connect_ms": 2, "transfer_ms": 3])
        #expect((object["tls"] as? [String: Any])?["verified"] as? Bool == false)
    }

    @Test func whatPeersWriteIsEscaped() throws {
        var event = DeliveryEvent(.failed, at: Timestamp(milliseconds: 0))
        let text = "quote \" back \\ slash / tab \t cr \r lf \n nul \0 bell \u{7} unit \u{1F} del \u{7F} é 😀 \u{2028}"
        event.reply = Reply(550, nil, text)
        event.actor = text
        let object = try json(event)
        #expect((object["reply"] as? [String: Any])?["text"] as? String == text)
        #expect(object["actor"] as? String == text)
    }

    @Test func emptyObjectsLeaveNoTrace() throws {
        var event = DeliveryEvent(.accepted, at: Timestamp(milliseconds: 0))
        event.remote = .init(host: nil, address: nil)
        event.timing = .init()
        event.node = "n"
        #expect(Set(try json(event).keys) == ["event_id", "type", "time", "node"])
    }
}
