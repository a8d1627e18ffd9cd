import MailModel
import NIOCore
import NIOPosix
import SMTPProtocol
import SMTPTransport
import Testing

@Suite struct OutboundConnectionTests {
    @Test func sendsSeveralMailsOverOneConnection() async throws {
        let peer = try await LoopbackPeer()
        let seen = await Lane.run([mail(), mail(["c", "d"])], to: target(peer.address))
        let delivered = "delivered: 250 2.0.0 queued"
        #expect(seen.outcomes == [delivered, delivered, delivered] && seen.end == "polite" && seen.ready == 1)
        #expect(seen.facts?.transactions == 2 && seen.facts?.tls == nil)
        #expect(seen.facts?.localAddress == peer.seen.clients.first)
        #expect(peer.seen.contents == [mail().content, mail().content])
        #expect(
            seen.dialogue.prefix(10) == [
                "S: 220 peer ESMTP", "C: EHLO a1.example.org", "S: 250-peer", "S: 250 PIPELINING", "C: MAIL FROM:<>",
                "C: RCPT TO:<b@y.example>", "C: DATA", "S: 250 2.1.0 ok", "S: 250 2.1.5 ok", "S: 354 go",
            ])
        #expect(seen.dialogue.contains("C: <24 octets of content>"))
        try await peer.stop()
    }

    @Test func bindsTheSourceAddress() async throws {
        let peer = try await LoopbackPeer()
        var target = target(peer.address)
        target.source = try SocketAddress(ipAddress: "127.0.0.9", port: 0)
        let seen = await Lane.run([mail()], to: target)
        #expect(seen.outcomes == ["delivered: 250 2.0.0 queued"])
        #expect(peer.seen.clients.map(\.ipAddress) == ["127.0.0.9"])
        #expect(seen.facts?.localAddress?.ipAddress == "127.0.0.9")
        try await peer.stop()
    }

    @Test(arguments: ["192.0.2.1", "::1"]) func sourceAddressThatCannotBeUsed(source: String) async throws {
        let peer = try await LoopbackPeer()
        var target = target(peer.address)
        target.source = try SocketAddress(ipAddress: source, port: 0)
        let seen = await Lane.run([mail()], to: target)
        #expect(seen.end == "connect: local" && seen.results.isEmpty)
        try await peer.stop()
    }

    @Test func refusedConnection() async throws {
        let peer = try await LoopbackPeer()
        let address = peer.address
        try await peer.stop()
        let seen = await Lane.run([mail()], to: target(address))
        #expect(seen.end == "connect: connectionRefused")
    }

    @Test(arguments: [("EHLO", "ehlo"), ("MAIL", "mail"), ("RCPT", "rcpt"), ("DATA", "data"), (".", "acknowledgement")])
    func peerFallsSilentOrCloses(verb: String, stage: String) async throws {
        for closes in [false, true] {
            var behaviour = LoopbackPeer.Behaviour()
            behaviour.replies["EHLO"] = "250 peer"
            behaviour.replies[verb] = closes ? "close" : ""
            let peer = try await LoopbackPeer(behaviour)
            var target = target(peer.address)
            if !closes { target.timeouts = Self.short(try #require(Self.steps[stage])) }
            let seen = await Lane.run([mail()], to: target)
            let failure = "\(stage): \(closes ? "connectionLost" : "timeout")"
            #expect(seen.end == failure)
            #expect(seen.outcomes == (verb == "EHLO" ? [] : [failure]))
            try await peer.stop()
        }
    }

    @Test func silentGreeting() async throws {
        var behaviour = LoopbackPeer.Behaviour()
        behaviour.greeting = ""
        let peer = try await LoopbackPeer(behaviour)
        var target = target(peer.address)
        target.timeouts = Self.short(\.greeting)
        let seen = await Lane.run([mail()], to: target)
        #expect(seen.end == "greeting: timeout")
        try await peer.stop()
    }

    @Test func silentQUITIsPoliteEnough() async throws {
        var behaviour = LoopbackPeer.Behaviour()
        behaviour.greeting = "220-peer\r\n220 x"
        behaviour.replies["QUIT"] = ""
        let peer = try await LoopbackPeer(behaviour)
        var target = target(peer.address)
        target.timeouts.quit = .milliseconds(100)
        let seen = await Lane.run([mail()], to: target)
        #expect(seen.end == "polite" && seen.results.count == 1)
        try await peer.stop()
    }

    @Test func closing() async throws {
        let peer = try await LoopbackPeer()
        let idle = await Lane.run([], to: target(peer.address), closing: .whenReady)
        #expect(idle.end == "polite" && idle.ready == 1)
        #expect(peer.seen.lines == ["EHLO a1.example.org", "QUIT"])
        let busy = await Lane.run([mail()], to: target(peer.address), closing: .amidTransaction)
        #expect(busy.end == "mail: local" && busy.outcomes == ["mail: local"])
        let early = await Lane.run([mail()], to: target(peer.address), closing: .whileConnecting)
        #expect(early.end == "connect: local" && early.ready == 0)
        try await peer.stop()
    }

    @Test func closedWhileIdle() async throws {
        var behaviour = LoopbackPeer.Behaviour()
        behaviour.replies["."] = "250 2.0.0 queued\r\n421 4.3.2 restart"
        let peer = try await LoopbackPeer(behaviour)
        let seen = await Lane.run([mail(), mail()], to: target(peer.address), closing: .never)
        #expect(seen.outcomes.first == "delivered: 250 2.0.0 queued")
        #expect(seen.ends.count == 1)
        try await peer.stop()
    }

    /// Thousands of mails in a row that end inside `begin` neither nest callbacks nor use the connection up.
    @Test func mailsThatCannotBeSent() async throws {
        var behaviour = LoopbackPeer.Behaviour()
        behaviour.replies["EHLO"] = "250-peer\r\n250 SIZE 10"
        let peer = try await LoopbackPeer(behaviour)
        let seen = await Lane.run((0..<5000).map { _ in mail() }, to: target(peer.address))
        #expect(seen.results.count == 5000 && seen.results.allSatisfy { $0.connectionUsable })
        #expect(Set(seen.outcomes) == ["mail: missingExtension"] && seen.end == "polite")
        #expect(peer.seen.lines == ["EHLO a1.example.org", "QUIT"])
        try await peer.stop()
    }

    @Test(arguments: [TLSPolicy.none, .required(verify: false)]) func largeContent(tls: TLSPolicy) async throws {
        var behaviour = LoopbackPeer.Behaviour()
        behaviour.replies["EHLO"] = "250-peer\r\n250-STARTTLS\r\n250 PIPELINING"
        behaviour.replies["STARTTLS"] = "220 go"
        behaviour.tls = try SelfSigned.serverContext()
        let peer = try await LoopbackPeer(behaviour)
        var content = ByteBuffer()
        for line in 0..<80_000 {
            content.writeString("\(line) abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz\r\n")
        }
        let seen = await Lane.run([mail(content: content), mail()], to: target(peer.address, tls: tls))
        #expect(seen.outcomes == ["delivered: 250 2.0.0 queued", "delivered: 250 2.0.0 queued"])
        #expect(peer.seen.contents == [content, mail().content])
        try await peer.stop()
    }

    @Test func clientForTools() async throws {
        let peer = try await LoopbackPeer()
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let result = try await SMTPClient.send(mail(["b", "c"]), to: target(peer.address), on: loop)
        #expect(result.perRecipient.count == 2 && result.perRecipient.allSatisfy { $0.failure == nil })
        try await peer.stop()
        let error = await #expect(throws: SMTPClient.SessionError.self) {
            try await SMTPClient.send(mail(), to: target(peer.address), on: loop)
        }
        #expect(error?.failure.cause == .connectionRefused)
    }

    /// A limit that a test can wait for, at the step that is silent; the others have the time they need.
    private static func short(_ step: WritableKeyPath<ClientTimeouts, TimeAmount>) -> ClientTimeouts {
        var limits = ClientTimeouts()
        limits[keyPath: step] = .milliseconds(100)
        return limits
    }

    private static var steps: [String: WritableKeyPath<ClientTimeouts, TimeAmount>] {
        ["ehlo": \.ehlo, "mail": \.mail, "rcpt": \.rcpt, "data": \.data, "acknowledgement": \.acknowledgement]
    }
}
