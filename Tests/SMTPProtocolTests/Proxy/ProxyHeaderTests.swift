import MailModel
import SMTPProtocol
import Testing

/// Headers of HAProxy's proxy-protocol.txt, whole and cut at every octet, and what is not one.
@Suite struct ProxyHeaderTests {
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

    private static func binary(_ versionAndCommand: UInt8, _ family: UInt8, _ rest: [UInt8], length: Int? = nil)
        -> [UInt8]
    {
        let length = length ?? rest.count
        return signature + [versionAndCommand, family, UInt8(length >> 8), UInt8(length & 255)] + rest
    }

    private static let ipv4: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 2, 0xDC, 0x04, 0, 25]
    private static let ipv6: [UInt8] =
        [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
        + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, 9] + [0, 0, 0xFF, 0xFF]

    private static func client(_ source: String, _ port: Int, _ destination: String, _ destinationPort: Int) -> String {
        "client \(source) \(port) \(destination) \(destinationPort)"
    }

    private static func describe(_ header: ProxyHeader) -> String {
        switch header.origin {
        case .local: "local"
        case .unknown: "unknown"
        case .client(let source, let destination):
            client(source.address.description, source.port, destination.address.description, destination.port)
        }
    }

    struct Good: Sendable, CustomTestStringConvertible {
        var bytes: [UInt8]
        var origin: String
        init(_ bytes: [UInt8], _ origin: String) { (self.bytes, self.origin) = (bytes, origin) }
        init(_ text: String, _ origin: String) { self.init(Array(text.utf8), origin) }
        var testDescription: String { "\(bytes.count) octets: \(origin)" }
    }

    static let good: [Good] = [
        Good("PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\n", client("192.0.2.1", 56_324, "198.51.100.2", 25)),
        Good(
            "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
            client("255.255.255.255", 65_535, "255.255.255.255", 65_535)),
        Good("PROXY TCP6 2001:DB8::1 ::1 0 25\r\n", client("2001:db8::1", 0, "::1", 25)),
        Good("PROXY TCP6 ::ffff:10.0.0.9 ::ffff:a00:7 1 2\r\n", client("10.0.0.9", 1, "10.0.0.7", 2)),
        Good("PROXY UNKNOWN\r\n", "unknown"),
        Good("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "unknown"),
        Good(
            "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
            "unknown"),
        Good(binary(0x21, 0x11, ipv4), client("192.0.2.1", 56_324, "198.51.100.2", 25)),
        Good(binary(0x21, 0x21, ipv6), client("2001:db8::1", 0, "10.0.0.9", 65_535)),
        Good(
            binary(0x21, 0x11, ipv4 + [4, 0, 3, 1, 2, 3] + [0x20, 0, 200] + [UInt8](repeating: 7, count: 200)),
            client("192.0.2.1", 56_324, "198.51.100.2", 25)),
        Good(binary(0x20, 0x00, []), "local"), Good(binary(0x20, 0x11, ipv4), "local"),
        Good(binary(0x20, 0xFF, [1, 2, 3]), "local"), Good(binary(0x21, 0x00, []), "unknown"),
        Good(binary(0x21, 0x00, [1, 2, 3]), "unknown"),
        Good(binary(0x21, 0x31, [UInt8](repeating: 0x2F, count: 216)), "unknown"),
        Good(
            binary(0x21, 0x11, ipv4 + [UInt8](repeating: 0, count: 4096 - 16 - 12)),
            client("192.0.2.1", 56_324, "198.51.100.2", 25)),
    ]

    /// Every beginning is incomplete, and what follows is left alone.
    @Test(arguments: good) func isReadAtEveryCut(_ good: Good) {
        for end in 0..<good.bytes.count {
            let beginning = Array(good.bytes[..<end])
            #expect(ProxyHeader.read(beginning.span) == .incomplete, "the first \(end)")
        }
        for next in ["", "EHLO c\r\n", "PROXY TCP4 1.1.1.1 2.2.2.2 1 1\r\n", "\r\n"] {
            let all = good.bytes + Array(next.utf8)
            guard case .header(let header, let length) = ProxyHeader.read(all.span) else {
                Issue.record("no header before \(next.debugDescription)")
                continue
            }
            #expect(length == good.bytes.count)
            #expect(Self.describe(header) == good.origin)
        }
    }

    static let badText: [String] = [
        "EHLO c\r\n", "proxy TCP4 1.1.1.1 2.2.2.2 1 1\r\n", "PROXY\r\n", "PROXY \r\n", "PROXY TCP4\r\n",
        "PROXY  UNKNOWN\r\n",
        "PROXY unknown\r\n", "PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n", "PROXY TCP4 1.1.1.1 2.2.2.2 1 1 1\r\n",
        "PROXY TCP4 1.1.1.1  2.2.2.2 1 1\r\n", "PROXY TCP4 1.1.1.1 2.2.2.2 1 1 \r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 1\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 65536 1\r\n", "PROXY TCP4 1.1.1.1 2.2.2.2 01 1\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 -1 1\r\n",
        "PROXY TCP4 1.1.1.01 2.2.2.2 1 1\r\n", "PROXY TCP4 1.1.1.256 2.2.2.2 1 1\r\n", "PROXY TCP4 ::1 ::1 1 1\r\n",
        "PROXY TCP6 1.1.1.1 2.2.2.2 1 1\r\n", "PROXY TCP6 ::1 2.2.2.2 1 1\r\n", "PROXY TCP6 1::2::3 ::1 1 1\r\n",
        "PROXY TCP6 [::1] ::1 1 1\r\n", "PROXY UDP4 1.1.1.1 2.2.2.2 1 1\r\n", "PROXY\tTCP4 1.1.1.1 2.2.2.2 1 1\r\n",
        "PROXY UNKNOWN " + String(repeating: "x", count: 94) + "\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 1" + String(repeating: " ", count: 200),
    ]

    @Test(arguments: badText) func textIsRefused(_ text: String) { expectMalformed(Array(text.utf8)) }

    static let badBinary: [[UInt8]] = [
        [0], [13, 10, 13, 11], [22, 3, 1, 2, 0], signature.dropLast() + [9], binary(0x11, 0x11, ipv4),
        binary(0x31, 0x11, ipv4), binary(0x22, 0x11, ipv4), binary(0x2F, 0x11, ipv4), binary(0x21, 0x12, ipv4),
        binary(0x21, 0x22, ipv6), binary(0x21, 0x32, [UInt8](repeating: 0, count: 216)), binary(0x21, 0x41, ipv4),
        binary(0x21, 0x11, ipv4.dropLast()), binary(0x21, 0x11, []), binary(0x21, 0x21, ipv6.dropLast()),
        binary(0x21, 0x21, ipv4), binary(0x21, 0x31, [UInt8](repeating: 0, count: 215)),
        binary(0x21, 0x11, ipv4, length: 4081), binary(0x20, 0x00, [], length: 65_535),
    ]

    @Test(arguments: badBinary) func binaryIsRefused(_ bytes: [UInt8]) { expectMalformed(bytes) }

    /// However it comes in, it is refused in the end and never believed on the way.
    private func expectMalformed(_ bytes: [UInt8]) {
        var isRefused = false
        for end in 0...bytes.count {
            let beginning = Array(bytes[..<end])
            switch ProxyHeader.read(beginning.span) {
            case .incomplete: #expect(!isRefused, "refused, then not, at \(end)")
            case .malformed(let reason):
                isRefused = true
                #expect(reason.contains("PROXY"))
            case .header: Issue.record("taken for a header at \(end)")
            }
        }
        #expect(isRefused)
    }

    /// No input is a trap, and none makes it wait for more than the longest header.
    @Test func anyOctets() {
        var random = SplitMix(seed: 20_260_302)
        for round in 0..<3000 {
            var bytes = (0..<Int(random.next() % 300)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            if round % 3 == 1 { bytes = Self.signature + bytes }
            if round % 3 == 2 { bytes = Array("PROXY TCP4 ".utf8) + bytes.map { $0 % 2 == 0 ? $0 % 128 : 46 } }
            _ = ProxyHeader.read(bytes.span)
        }
        let long = Self.signature + [0x21, 0x11, 0x0F, 0xF0] + [UInt8](repeating: 0, count: 5000)
        #expect(ProxyHeader.read(long.span) != .incomplete)
    }
}
