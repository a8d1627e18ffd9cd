import MailModel
import NIOCore
import NIOSSL
import SMTPProtocol
import SMTPTransport
import Testing

@Suite struct OutboundTLSTests {
    private func behaviour() throws -> LoopbackPeer.Behaviour {
        var behaviour = LoopbackPeer.Behaviour()
        behaviour.replies["EHLO"] = "250-peer\r\n250-STARTTLS\r\n250 PIPELINING"
        behaviour.replies["STARTTLS"] = "220 go"
        behaviour.tls = try SelfSigned.serverContext()
        return behaviour
    }

    @Test func opportunistic() async throws {
        let peer = try await LoopbackPeer(behaviour())
        let seen = await Lane.run([mail()], to: target(peer.address, tls: .opportunistic))
        #expect(seen.outcomes == ["delivered: 250 2.0.0 queued"] && seen.end == "polite")
        #expect(
            seen.facts?.tls
                == TLSFacts(
                    version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", policy: "opportunistic", verified: false))
        #expect(peer.seen.lines.prefix(3) == ["EHLO a1.example.org", "STARTTLS", "EHLO a1.example.org"])
        try await peer.stop()
    }

    @Test func olderVersion() async throws {
        var older = try behaviour()
        older.tls = try SelfSigned.serverContext(upTo: .tlsv12)
        let peer = try await LoopbackPeer(older)
        let seen = await Lane.run([mail()], to: target(peer.address, tls: .opportunistic))
        #expect(seen.facts?.tls?.version == "TLSv1.2")
        #expect(seen.facts?.tls?.cipher == "ECDHE-ECDSA-AES128-GCM-SHA256")
        try await peer.stop()
    }

    @Test func opportunisticWithoutSTARTTLS() async throws {
        let peer = try await LoopbackPeer()
        let seen = await Lane.run([mail()], to: target(peer.address, tls: .opportunistic))
        #expect(seen.outcomes == ["delivered: 250 2.0.0 queued"] && seen.facts?.tls == nil)
        let required = await Lane.run([mail()], to: target(peer.address, tls: .required(verify: false)))
        #expect(required.end == "starttls: tlsFailed" && required.results.isEmpty)
        try await peer.stop()
    }

    @Test func verifiedCertificate() async throws {
        let peer = try await LoopbackPeer(behaviour())
        var target = target(peer.address, tls: .required(verify: true))
        let unknown = await Lane.run([mail()], to: target)
        #expect(unknown.end == "starttls: tlsFailed" && unknown.results.isEmpty)

        target.tlsContext = try SelfSigned.trustingContext()
        let known = await Lane.run([mail()], to: target)
        #expect(known.outcomes == ["delivered: 250 2.0.0 queued"] && known.facts?.tls?.verified == true)

        target.hostName = "other.test"
        let other = await Lane.run([mail()], to: target)
        #expect(other.end == "starttls: tlsFailed")
        try await peer.stop()
    }

    @Test(arguments: ["220 go\r\nnot TLS at all", "close"]) func brokenHandshake(reply: String) async throws {
        var broken = try behaviour()
        broken.replies["STARTTLS"] = reply
        broken.tls = nil
        let peer = try await LoopbackPeer(broken)
        let seen = await Lane.run([mail()], to: target(peer.address, tls: .opportunistic))
        #expect(seen.ends.count == 1 && seen.results.isEmpty)
        #expect(seen.ends.first??.stage == .starttls)
        try await peer.stop()
    }

    /// The peer agrees to TLS and then speaks plainly: its answer to the ClientHello is no TLS record.
    @Test func peerWithoutTLS() async throws {
        var broken = try behaviour()
        broken.tls = nil
        let peer = try await LoopbackPeer(broken)
        let seen = await Lane.run([mail()], to: target(peer.address, tls: .opportunistic))
        #expect(seen.end == "starttls: tlsFailed")
        try await peer.stop()
    }
}
