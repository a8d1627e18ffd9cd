import MailModel
import NIOCore
import NodeRuntime
import Testing

@Suite struct ConfigurationValueTests {
    @Test(arguments: [("50MB", 50_000_000), ("64KiB", 65_536), ("0B", 0), ("2GiB", 2_147_483_648), ("7B", 7)])
    func sizes(_ text: String, bytes: Int) throws {
        #expect(try Units.size(text) == bytes)
        #expect(try Units.size(Units.show(size: bytes)) == bytes)
    }

    @Test(arguments: [
        "", "MB", "5", "5 MB", "+5MB", "5.5MB", "5kb", "0x5B", "٥MB", "9999999999999999B", "999999999999999TB",
    ])
    func noSizes(_ text: String) {
        #expect(throws: Refusal.self) { try Units.size(text) }
    }

    @Test(arguments: [("50ms", 50), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("5d", 432_000_000)])
    func durations(_ text: String, milliseconds: Int) throws {
        #expect(try Units.duration(text) == .milliseconds(milliseconds))
        #expect(Units.show(.milliseconds(milliseconds)) == text)
    }

    @Test func rates() throws {
        #expect(try Rate.parse("100/s") == Rate(100, per: .second))
        #expect(try Rate.parse("20000/d") == Rate(20_000, per: .day))
        #expect(try Rate.parse("unlimited") == nil)
        for text in ["", "/s", "5/", "5/x", "5/s/s", "-1/s", "0/s", "1/S"] {
            #expect(throws: Refusal.self) { try Rate.parse(text) }
        }
    }

    @Test func addressRanges() throws {
        let ten = try #require(AddressRange("10.16.0.0/12"))
        for (address, isInside) in [("10.16.0.1", true), ("10.31.255.255", true), ("10.32.0.0", false), ("::1", false)]
        {
            #expect(ten.contains(try #require(IPAddress(address))) == isInside, "\(address)")
        }
        #expect(AddressRange("0.0.0.0/0")?.contains(try #require(IPAddress("1.2.3.4"))) == true)
        #expect(AddressRange("2001:db8::/33")?.contains(try #require(IPAddress("2001:db8:7fff::1"))) == true)
        #expect(AddressRange("2001:db8::/33")?.contains(try #require(IPAddress("2001:db8:8000::1"))) == false)
        #expect(AddressRange("10.0.0.1/8") == nil)
        #expect(AddressRange("10.0.0.0/") == nil)
    }

    @Test func socketAddresses() throws {
        let loopback = try #require(AddressRange("127.0.0.0/8"))
        #expect(loopback.contains(try SocketAddress(ipAddress: "127.1.2.3", port: 9)))
        #expect(loopback.contains(try SocketAddress(ipAddress: "::ffff:127.0.0.1", port: 9)))
        #expect(!loopback.contains(try SocketAddress(ipAddress: "::1", port: 9)))
        #expect(!loopback.contains(try SocketAddress(unixDomainSocketPath: "/x")))
        #expect(IPAddress(try SocketAddress(ipAddress: "2001:db8::5", port: 1))?.description == "2001:db8::5")
    }

    @Test func endpoints() throws {
        #expect(try HostPort(parsing: "h.test:25").description == "h.test:25")
        #expect(try HostPort(parsing: "h.test").port == nil)
        #expect(try HostPort(parsing: "[2001:db8::1]:26").description == "[2001:db8::1]:26")
        #expect(try HostPort(parsing: "2001:db8::1").description == "[2001:db8::1]")
        for text in ["", ":25", "h:", "h:65536", "[::1]x", "a b:25"] {
            #expect(throws: Refusal.self) { try HostPort(parsing: text) }
        }
        #expect(
            try NameServer(parsing: "127.0.0.1@5353")
                == NameServer(address: #require(IPAddress("127.0.0.1")), port: 5353))
    }

    @Test func routes() throws {
        let text =
            "routes:\n  a.test: {mx: b.test}\n  '*.test': {discard: true}\n  x.example: {relay: h}\n  '*': {mx: true}"
        let routes = try NodeConfiguration.parse(text: text, file: "x", hostName: Files.host).routes
        func action(_ domain: String) -> RouteConfiguration.Action? {
            routes.route(for: Domain(canonical: domain))?.action
        }
        #expect(action("a.test") == .mx(Domain(canonical: "b.test")))
        #expect(action("b.a.test") == .discard)
        #expect(action("test") == .mx(nil))
        #expect(action("x.example") == .relay([HostPort(host: .name(Domain(canonical: "h")), port: nil)]))
        #expect(RoutePattern.below(Domain(canonical: "test")).matches(Domain(canonical: "atest")) == false)
    }

    @Test func serversOfLMTP() throws {
        let text = "routes:\n  a.test: {lmtp: ['127.0.0.1:24', mail.test, 'unix:/run/dovecot/lmtp']}"
        let routes = try NodeConfiguration.parse(text: text, file: "x", hostName: Files.host).routes
        let hosts: [HostOrSocket] = [
            .network(HostPort(host: .address(try #require(IPAddress("127.0.0.1"))), port: 24)),
            .network(HostPort(host: .name(Domain(canonical: "mail.test")), port: nil)), .socket("/run/dovecot/lmtp"),
        ]
        #expect(routes.entries.map(\.action) == [.lmtp(hosts)])
        #expect(hosts.map(\.description) == ["127.0.0.1:24", "mail.test", "unix:/run/dovecot/lmtp"])
    }

    @Test func suggestions() {
        #expect(NearestName.of("listener", among: ["listeners", "domains"]) == "listeners")
        #expect(NearestName.of("conections", among: ["connections", "connections_per_client"]) == "connections")
        #expect(NearestName.of("xyz", among: ["listeners", "domains"]) == nil)
        #expect(NearestName.of("b", among: ["a"]) == nil)
    }
}
