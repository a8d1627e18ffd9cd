import MailModel
import MailTestKit
import Testing

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("::", "::"), ("::1", "::1"), ("1::", "1::"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("::ffff:192.0.2.1", "192.0.2.1"), ("::ffff:c000:201", "192.0.2.1"), ("::fffe:192.0.2.1", "::fffe:c000:201"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("0:0:0:0:0:0:0:0", "::"), ("fe80::1:0", "fe80::1:0"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
    ])
    func canonical(text: String, shown: String) { #expect(IPAddress(text)?.unmapped.description == shown) }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.00", "1.2.3.4 ", " 1.2.3.4", ":", ":::",
        "1::2::3",
        "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7", "12345::", "g::", "::1.2.3", "::01.2.3.4", "[::1]", "::1%eth0",
        "fe80::1/64",
    ])
    func refused(text: String) { #expect(IPAddress(text) == nil) }

    @Test(arguments: [
        ("192.0.2.129", 32, "192.0.2.129"), ("192.0.2.129", 25, "192.0.2.128"), ("192.0.2.129", 24, "192.0.2.0"),
        ("192.0.2.129", 8, "192.0.0.0"), ("255.255.255.255", 0, "0.0.0.0"),
        ("2001:db8:1:2:3:4:5:6", 128, "2001:db8:1:2:3:4:5:6"),
        ("2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::"), ("2001:db8:1:2:3:4:5:6", 56, "2001:db8:1::"),
        ("2001:db8:1:2:3:4:5:6", 112, "2001:db8:1:2:3:4:5:0"), ("ffff::1", 1, "8000::"), ("ffff::1", 65, "ffff::"),
    ])
    func networks(text: String, prefix: Int, network: String) {
        #expect(IPAddress(text)?.network(prefix: prefix).description == network)
    }

    /// Written and read again, it is the same.
    @Test func roundTrip() {
        var random = SeededRandom(seed: 3)
        for _ in 0..<2000 {
            let groups = (0..<8).map { _ in random.next() % 3 == 0 ? random.next() % 65_536 : 0 }
            let long = groups.map { String($0, radix: 16) }.joined(separator: ":")
            let address = IPAddress(long)
            #expect(address != nil && IPAddress(address?.description ?? "") == address, "\(long)")
        }
    }
}
