import LoadTest
import NIOCore
import Testing

/// The dialogue as text: what the server says, and what the session does about it.
private final class Dialogue {
    var session: LoadSession
    var replies = ReplyCounts()
    var now: Int64 = 0
    private var input = ByteBuffer()

    init(_ change: (inout LoadSession.Options) -> Void = { _ in }, recipients: Int = 2) {
        var options = LoadSession.Options(ehloName: "c.test")
        change(&options)
        session = LoadSession(LoadPlanTests.plan(recipients: recipients), options)
    }

    /// Gives what the server says, a millisecond later, and every action up to `wait`.
    func server(_ text: String...) -> (actions: [LoadSession.Action], sent: String) {
        now += 1_000_000
        for line in text { input.writeString(line + "\r\n") }
        return run(ByteBuffer())
    }

    func begin(octets: Int = 4000) -> (actions: [LoadSession.Action], sent: String) {
        var out = ByteBuffer()
        session.begin(LoadPlanTests.plan(recipients: 2).message(5), octets: octets, now: now, &out)
        return run(out)
    }

    private func run(_ out: ByteBuffer) -> (actions: [LoadSession.Action], sent: String) {
        var (out, actions) = (out, [LoadSession.Action]())
        while true {
            let action = session.next(&input, now: now, counting: &replies, &out)
            if action == .wait { return (actions, String(buffer: out)) }
            actions.append(action)
        }
    }

    /// Up to the first transaction.
    func open(_ keywords: String...) {
        #expect(server("220 s.test").sent == "EHLO c.test\r\n")
        let lines = ["s.test"] + keywords
        let reply = lines.enumerated().map { "250\($0.offset == lines.count - 1 ? " " : "-")\($0.element)\r\n" }
        #expect(server(String(reply.joined().dropLast())).actions == [.ready])
    }

}

extension [LoadSession.Action] {
    fileprivate var outcome: LoadOutcome? {
        if case .finished(let outcome)? = last { outcome } else { nil }
    }
}

struct LoadSessionTests {
    private static let rcpts = "RCPT TO:<b5.0@dst.test>\r\nRCPT TO:<b5.1@dst.test>\r\n"

    @Test func pipelined() throws {
        let dialogue = Dialogue()
        dialogue.open("PIPELINING", "SIZE 1000000")
        #expect(dialogue.begin().sent == "MAIL FROM:<a@src.test> SIZE=4000\r\n\(Self.rcpts)DATA\r\n")
        #expect(dialogue.server("250 a", "250 b").actions == [])
        #expect(dialogue.server("250 c", "354 d").actions == [.content])
        let outcome = try #require(dialogue.server("250 e").actions.outcome)
        #expect(outcome.failure == nil && outcome.refused == [])
        #expect(outcome.envelope == 2_000_000 && outcome.content == 1_000_000 && outcome.transaction == 3_000_000)
        #expect(dialogue.session.isIdle)
        #expect(
            dialogue.replies.list.map { "\($0.stage.name) \($0.code) \($0.count)" } == [
                "greeting 220 1", "ehlo 250 1", "mail 250 1", "rcpt 250 2", "data 354 1", "content 250 1",
            ])
    }

    @Test func lockstep() throws {
        let dialogue = Dialogue { $0.pipelining = .never }
        dialogue.open("PIPELINING")
        #expect(dialogue.begin().sent == "MAIL FROM:<a@src.test>\r\n")
        #expect(dialogue.server("250 a").sent == "RCPT TO:<b5.0@dst.test>\r\n")
        #expect(dialogue.server("250 b").sent == "RCPT TO:<b5.1@dst.test>\r\n")
        #expect(dialogue.server("250 c").sent == "DATA\r\n")
        #expect(dialogue.server("354 d").actions == [.content])
        #expect(dialogue.server("250 e").actions.outcome?.failure == nil)
    }

    @Test func chunkedGoesOutAtOnce() throws {
        let dialogue = Dialogue { $0.chunking = true }
        dialogue.open("PIPELINING", "CHUNKING")
        let begun = dialogue.begin()
        #expect(begun.actions == [.content])
        #expect(begun.sent == "MAIL FROM:<a@src.test>\r\n\(Self.rcpts)BDAT 4000 LAST\r\n")
        let outcome = try #require(dialogue.server("250 a", "250 b", "250 c", "250 d").actions.outcome)
        #expect(outcome.failure == nil && outcome.content == 1_000_000)
    }

    @Test func someRecipientsRefused() throws {
        let dialogue = Dialogue()
        dialogue.open("PIPELINING")
        _ = dialogue.begin()
        #expect(dialogue.server("250 a", "450 4.2.1 busy", "250 c", "354 d").actions == [.content])
        let outcome = try #require(dialogue.server("250 e").actions.outcome)
        #expect(outcome.failure == nil && outcome.refused == [0])
        #expect(outcome.recipientFailure?.name == "rcpt 450")
    }

    /// RFC 2920 §3.1: 354 may come though nobody is left; then a lone dot ends the transaction.
    @Test func allRecipientsRefused() throws {
        let dialogue = Dialogue()
        dialogue.open("PIPELINING")
        _ = dialogue.begin()
        let last = dialogue.server("250 a", "550 b", "550 c", "354 d")
        #expect(last.actions == [] && last.sent == ".\r\n")
        let outcome = try #require(dialogue.server("554 e").actions.outcome)
        #expect(outcome.failure?.name == "rcpt 550" && outcome.refused == [])
        #expect(dialogue.session.isIdle)
    }

    @Test func allRecipientsRefusedAndDATAToo() throws {
        let dialogue = Dialogue()
        dialogue.open("PIPELINING")
        _ = dialogue.begin()
        #expect(dialogue.server("250 a", "550 b", "550 c", "503 d").sent == "RSET\r\n")
        #expect(try #require(dialogue.server("250 e").actions.outcome).failure?.name == "rcpt 550")
    }

    @Test func refusedAtMAIL() throws {
        let dialogue = Dialogue()
        dialogue.open("PIPELINING")
        _ = dialogue.begin()
        let answered = dialogue.server("451 later", "503 b", "503 c", "503 d")
        #expect(answered.actions.outcome?.failure?.name == "mail 451")
        #expect(answered.sent == "")
        let slow = Dialogue { $0.pipelining = .never }
        slow.open()
        _ = slow.begin()
        #expect(slow.server("550 no").actions.outcome?.failure?.name == "mail 550")
    }

    @Test func refusedAtTheEnd() throws {
        let dialogue = Dialogue()
        dialogue.open("PIPELINING")
        _ = dialogue.begin()
        _ = dialogue.server("250 a", "250 b", "450 c", "354 d")
        let outcome = try #require(dialogue.server("554 5.7.1 spam").actions.outcome)
        #expect(outcome.failure == LoadFailure(.content, .reply(554), "554 5.7.1 spam"))
        #expect(dialogue.session.isIdle)
    }

    @Test func theServerEndsTheSession() {
        let dialogue = Dialogue()
        dialogue.open("PIPELINING")
        _ = dialogue.begin()
        #expect(
            dialogue.server("250 a", "421 bye").actions == [.close(LoadFailure(.rcpt, .reply(421), "421 bye"))])
        let idle = Dialogue()
        idle.open()
        #expect(idle.server("421 idle").actions == [.close(nil)])
    }

    @Test func startTLS() {
        let dialogue = Dialogue { $0.startTLS = true }
        #expect(dialogue.server("220 s").sent == "EHLO c.test\r\n")
        #expect(dialogue.server("250-s\r\n250 STARTTLS").sent == "STARTTLS\r\n")
        #expect(dialogue.server("220 go").actions == [.startTLS])
        var out = ByteBuffer()
        dialogue.session.tlsEstablished(&out)
        #expect(String(buffer: out) == "EHLO c.test\r\n")
        #expect(dialogue.server("250 s").actions == [.ready])
    }

    @Test(arguments: ["STARTTLS", "PIPELINING", "CHUNKING"])
    func missingExtensions(_ name: String) {
        let dialogue = Dialogue {
            $0.startTLS = name == "STARTTLS"
            $0.pipelining = name == "PIPELINING" ? .required : .ifOffered
            $0.chunking = name == "CHUNKING"
        }
        _ = dialogue.server("220 s")
        guard case .close(let failure)? = dialogue.server("250 s").actions.first else {
            Issue.record("the session goes on")
            return
        }
        #expect(failure?.kind == .missing && failure?.text.contains(name) == true)
    }

    @Test func notSMTP() {
        let dialogue = Dialogue()
        guard case .close(let failure)? = dialogue.server("SSH-2.0-OpenSSH_9.2").actions.first else {
            Issue.record("the session goes on")
            return
        }
        #expect(failure?.name == "greeting protocol violation")
    }

    @Test func quit() {
        let dialogue = Dialogue()
        dialogue.open()
        var out = ByteBuffer()
        dialogue.session.quit(&out)
        #expect(String(buffer: out) == "QUIT\r\n")
        #expect(dialogue.server("221 bye").actions == [.close(nil)])
    }
}
