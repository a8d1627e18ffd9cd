import MailModel
import NIOCore
import SMTPProtocol
import SMTPTransport
import Spool

/// Lines of a watched session as JSON: one object each, with `type`, `session` and `ms` since that session began.
///
/// Text of a peer has its control characters escaped before it is JSON: readers print it as it is.
struct SessionLine {
    private var json: JSONObjectWriter

    init(_ type: String, session: Int, age: TimeAmount) {
        json = JSONObjectWriter(into: ByteBuffer())
        json.field("type", type)
        json.field("session", session)
        json.field("ms", Int(age.nanoseconds / 1_000_000))
        json.field("time", Timestamp.now().description)
    }

    private init(_ type: String) {
        json = JSONObjectWriter(into: ByteBuffer())
        json.field("type", type)
    }

    private mutating func with(_ body: (inout JSONObjectWriter) -> Void) -> ByteBuffer {
        body(&json)
        return json.finish()
    }

    /// The first line of all: the watch is in force.
    static func watching(attempts: Int, time: Duration) -> ByteBuffer {
        var line = SessionLine("watching")
        return line.with { json in
            json.field("count", attempts)
            json.field("seconds", Int(time.components.seconds))
        }
    }

    static func lost(_ count: Int) -> ByteBuffer {
        var line = SessionLine("lost")
        return line.with { $0.field("lines", count) }
    }

    static func end(_ end: SessionWatch.End) -> ByteBuffer {
        var line = SessionLine("end")
        return line.with { $0.field("text", end.rawValue) }
    }

    /// Where a session goes, and whether it was open before.
    mutating func opened(_ lane: LaneKey, _ candidate: Site.Candidate, source: String?, earlier transactions: Int?)
        -> ByteBuffer
    {
        with { json in
            json.field("site", lane.site)
            json.field("source", lane.source)
            json.field("source_address", source)
            json.field("host", candidate.host)
            json.field("address", candidate.address?.ipAddress)
            json.field("port", candidate.address?.port)
            json.field("reused_after", transactions)
        }
    }

    mutating func attempt(_ order: Order) -> ByteBuffer {
        with { json in
            json.field("queue_id", order.key.queueID.description)
            json.field("part", order.key.part)
            json.field("recipients", order.nextTransaction.recipients.count)
        }
    }

    mutating func text(_ text: String) -> ByteBuffer {
        with { $0.field("text", DialogueText.visible(text)) }
    }

    mutating func content(octets: Int) -> ByteBuffer {
        with { json in
            json.field("octets", octets)
            json.field("text", "… \(octets) octets of content")
        }
    }

    mutating func secured(_ facts: TLSFacts?) -> ByteBuffer {
        with { json in
            json.field("version", facts?.version)
            json.field("cipher", facts?.cipher)
            json.field("verified", facts?.verified ?? false)
        }
    }
}
