import DNSClient
import MailModel
import NIOCore
import Testing

/// SplitMix64, so that a failure can be seen again.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct MailHostsTests {
    @Test func equalPreferencesAreShuffledAndOthersStay() {
        let hosts = ["a", "b", "c", "d"].enumerated().map { index, name in
            MailHost(
                name: name, preference: index == 0 ? 5 : index == 3 ? 20 : 10,
                addresses: [.v4(0x0A00_0001), .v4(0x0A00_0002), .v6(high: 1, low: 1)], authenticated: false)
        }
        let list = MailHosts(hosts: hosts, siteName: "x", isImplicit: false)
        var random = SeededRandom(state: 1)
        var middle: [String: Int] = [:]
        var firstAddress: [IPAddress: Int] = [:]
        for _ in 0..<1000 {
            let order = list.ordered(using: &random)
            #expect(order.first?.name == "a" && order.last?.name == "d" && order.count == 4)
            #expect(order[0].addresses.last == .v6(high: 1, low: 1))
            middle[order[1].name, default: 0] += 1
            firstAddress[order[0].addresses[0], default: 0] += 1
        }
        #expect(Set(middle.keys) == ["b", "c"])
        #expect(middle.values.allSatisfy { $0 > 400 })
        #expect(firstAddress.count == 2 && firstAddress.values.allSatisfy { $0 > 400 })
    }

    @Test func siteNames() {
        let google = ["gmail-smtp-in.l.google.com"] + (1...4).map { "alt\($0).gmail-smtp-in.l.google.com" }
        #expect(SiteName.of(google) == "(alt1|alt2|alt3|alt4)?.gmail-smtp-in.l.google.com")
        #expect(SiteName.of(google.reversed() + google) == SiteName.of(google))
        #expect(SiteName.of(["mx.example.org"]) == "mx.example.org")
        #expect(SiteName.of(["mx.example.org", "mx.example.org"]) == "mx.example.org")
        #expect(SiteName.of(["mx1.a.test", "mx2.b.com"]) == "(mx1.a.test|mx2.b.com)")
        #expect(SiteName.of([]) == "")
    }

    @Test func differentSetsHaveDifferentNames() {
        #expect(SiteName.of(["a.x.t", "b.y.t"]) != SiteName.of(["a.y.t", "b.x.t"]))
        #expect(SiteName.of(["a.x", "x"]) != SiteName.of(["a.x"]))
        #expect(SiteName.of(["a.b.x", "c.x"]) != SiteName.of(["a.x", "b.c.x"]))
        let long = (0..<20).map { "\(String(repeating: "a", count: 40)).h\($0).example" }
        let name = SiteName.of(long)
        #expect(name.utf8.count == SiteName.maximumLength)
        #expect(name != SiteName.of(long.dropLast()))
        #expect(name == SiteName.of(long.shuffled()))
    }

    @Test func lookupIsLimited() {
        var lookup = MailHostsLookup(LookupKey(kind: .destination, name: "d.test"))
        #expect(lookup.start() == .ask([Question("d.test", .mx)]))
        let records = (0..<60).map { index in
            [0, UInt8(59 - index), 3] + Array("h\(10 + index)".utf8) + [0]
        }
        guard
            case .ask(let questions) = lookup.received(
                DNSAnswer(.records(records), ttl: 900), to: Question("d.test", .mx))
        else { Issue.record("no questions"); return }
        #expect(questions.count == 2 * MailHostsLookup.maximumHosts)
        #expect(questions[0] == Question("h69", .a))
        var step = MailHostsLookup.Step.wait
        for question in questions {
            #expect(step == .wait)
            let size = question.type == .a ? 4 : 16
            let addresses = (0..<40).map { index in [UInt8](repeating: UInt8(index + 1), count: size) }
            step = lookup.received(DNSAnswer(.records(addresses), ttl: 700), to: question)
        }
        guard case .done(.success(let found), let ttl) = step else { Issue.record("\(step)"); return }
        #expect(ttl == 700)
        #expect(found.hosts.count == MailHostsLookup.maximumHosts)
        #expect(found.hosts.allSatisfy { $0.addresses.count == 16 && $0.addresses.filter(\.isIPv6).count == 8 })
    }

    @Test func authenticatedOnlyWhereAllIsProven() {
        for (exchange, v4, v6, expected) in [
            (true, true, true, true), (false, true, true, false), (true, false, true, false),
            (true, true, false, false),
        ] {
            var lookup = MailHostsLookup(LookupKey(kind: .destination, name: "d.test"))
            _ = lookup.start()
            let mx: [UInt8] = [0, 1, 1, UInt8(ascii: "m"), 0]
            _ = lookup.received(DNSAnswer(.records([mx]), ttl: 9, isSecure: exchange), to: Question("d.test", .mx))
            _ = lookup.received(DNSAnswer(.records([[192, 0, 2, 1]]), ttl: 9, isSecure: v4), to: Question("m", .a))
            let step = lookup.received(DNSAnswer(.noData, ttl: 9, isSecure: v6), to: Question("m", .aaaa))
            guard case .done(.success(let found), _) = step else { Issue.record("\(step)"); return }
            #expect(found.hosts[0].authenticated == expected)
        }
    }

    @Test func incompleteListsAreNotKeptLong() {
        var lookup = MailHostsLookup(LookupKey(kind: .host, name: "h.test"))
        #expect(lookup.start() == .ask([Question("h.test", .a), Question("h.test", .aaaa)]))
        _ = lookup.received(DNSAnswer(.failed("SERVFAIL")), to: Question("h.test", .aaaa))
        let step = lookup.received(DNSAnswer(.records([[192, 0, 2, 1]]), ttl: 3600), to: Question("h.test", .a))
        guard case .done(.success, let ttl) = step else { Issue.record("\(step)"); return }
        #expect(ttl <= MailHostsLookup.incompleteTTL)
    }

    @Test(
        arguments: [
            [], [0, 1], [0, 1, 5, 97], [0, 1, 64], [0, 1, 1, 0, 0], [0, 1, 2, 97, 32, 0], [0, 1, 192, 12],
        ] as [[UInt8]])
    func brokenExchangeIsRefused(rdata: [UInt8]) {
        #expect(MailExchange(rdata: rdata) == nil)
    }

    @Test func randomRecordsNeverTrap() {
        var random = SeededRandom(state: 7)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8(random.next() & 127) }
            _ = MailExchange(rdata: bytes)
            _ = IPAddress(octets: bytes)
            _ = IPAddress(String(decoding: bytes, as: UTF8.self))
            _ = IPAddress(literal: String(decoding: bytes, as: UTF8.self))
        }
    }

    @Test func addressesOfHosts() {
        let file = HostsFile(
            parsing: "127.0.0.1 localhost\n# 1.1.1.1 no\n::1 relay Relay2 # x\n\n192.0.2.1\trelay\nbad line\n")
        #expect(file.addresses(of: "relay") == [.v4(0xC000_0201), .v6(high: 0, low: 1)])
        #expect(file.addresses(of: "relay2") == [.v6(high: 0, low: 1)])
        #expect(file.addresses(of: "localhost") == [.v4(0x7F00_0001)])
        #expect(file.addresses(of: "no") == nil)
        #expect(HostsFile(parsing: "").addresses(of: "localhost")?.count == 2)
        #expect(
            ResolvConf.servers(in: "search x\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver ::1\n") == [
                "192.0.2.1", "::1",
            ])
    }

    @Test func socketAddresses() throws {
        #expect(
            try IPAddress.v4(0x7F00_0001).socketAddress(port: 25) == SocketAddress(ipAddress: "127.0.0.1", port: 25))
        let v6 = try #require(IPAddress("2001:db8::1"))
        #expect(try v6.socketAddress(port: 2525) == SocketAddress(ipAddress: "2001:db8::1", port: 2525))
        for bad in ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1", "::ffff:127.0.0.1"] {
            #expect(IPAddress(bad)?.isHostAddress == false)
        }
    }
}
