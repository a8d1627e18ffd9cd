import CAllocationCounter
import MailModel
import NIOCore
import SMTPProtocol
import Testing

/// Heap allocations of a session in steady state. Counts are gates; times would depend on the machine.
@Suite struct ServerSessionAllocationTests {
    private func makeSession() -> ServerSession {
        var configuration = ServerSession.Configuration(hostname: "mx.test")
        configuration.idleCommandLimit = .max
        configuration.asksBeforeMail = true
        return ServerSession(configuration: configuration)
    }

    /// Plays a batch until the session wants more.
    private func play(_ session: inout ServerSession, _ input: inout ByteBuffer, _ output: inout ByteBuffer) {
        output.clear()
        while true {
            var action = session.next(&input, into: &output)
            if action == .checkRecipient {
                let verdict: RecipientVerdict = session.withPendingRecipient { _, domain in
                    domain.count > 3 ? .accept : .refuse(.localError)
                }
                action = session.recipientDecided(verdict, into: &output)
            }
            if action == .checkSender { action = session.senderDecided(.accept, into: &output) }
            if action != .proceed { return }
        }
    }

    private func allocations(of batch: String, rounds: Int = 1000) -> (count: Int, lastReplies: String) {
        var session = makeSession()
        var output = ByteBuffer()
        var input = ByteBuffer(string: "EHLO client.test\r\n")
        play(&session, &input, &output)
        let batch = ByteBuffer(string: batch)
        for _ in 0..<3 {
            input = batch
            play(&session, &input, &output)
        }
        allocation_counter_start()
        for _ in 0..<rounds {
            input = batch
            play(&session, &input, &output)
        }
        return (allocation_counter_stop(), String(buffer: output))
    }

    @Test func theCounterCounts() {
        allocation_counter_start()
        var buffer = ByteBuffer()
        buffer.reserveCapacity(10_000)
        #expect(allocation_counter_stop() > 0)
        #expect(buffer.capacity >= 10_000)
    }

    @Test func commandsAllocateNothing() {
        let (count, replies) = allocations(
            of: "MAIL FROM:<sender+tag@src.example> SIZE=4096 BODY=8BITMIME RET=HDRS ENVID=abc+2Bdef\r\n"
                + "RCPT TO:<one@dst.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;one@dst.example\r\n"
                + "RCPT TO:<two@dst.example>\r\nRCPT TO:<one@dst.example>\r\nRCPT TO:<\"quoted local\"@[192.0.2.1]>\r\n"
                + "RSET\r\nNOOP\r\n")
        #expect(count == 0)
        #expect(replies.split(separator: "\r\n").allSatisfy { $0.hasPrefix("250 ") })
        #expect(replies.split(separator: "\r\n").count == 7)
    }

    @Test func greetingAgainAllocatesNothing() {
        #expect(allocations(of: "EHLO other.client.test\r\nHELO client.test\r\nVRFY x\r\n").count == 0)
    }

    @Test func refusalsAllocateNothing() {
        // Fewer rounds than errors that close the session.
        // (A refused path throws, and Swift Testing watches throws with an allocation of its own.)
        let (count, replies) = allocations(of: "FROB\r\nMAIL NOW\r\nRCPT TO:<a@b.test>\r\n", rounds: 3)
        #expect(count == 0)
        #expect(replies.split(separator: "\r\n").count == 3)
    }

    /// DATA up to its refused content: nothing is reserved before the first octet comes.
    @Test func enteringDataAllocatesNothing() {
        var session = makeSession()
        var output = ByteBuffer()
        var input = ByteBuffer(string: "EHLO c\r\nMAIL FROM:<a@src.test>\r\nRCPT TO:<b@dst.test>\r\nRSET\r\n")
        play(&session, &input, &output)
        input = ByteBuffer(string: "MAIL FROM:<a@src.test>\r\nRCPT TO:<b@dst.test>\r\nDATA\r\n")
        allocation_counter_start()
        play(&session, &input, &output)
        #expect(allocation_counter_stop() == 0)
        #expect(session.isReceivingContent)
    }
}
