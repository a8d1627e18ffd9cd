import MailModel

/// Version 1: one line of text (proxy-protocol.txt §2.1).
extension ProxyHeader {
    /// `PROXY TCP6`, two addresses of 39 characters and two ports of 5, with blanks and CRLF, and room for UNKNOWN.
    private static let longestLine = 107

    static func readText(_ bytes: Span<UInt8>) -> Result {
        let word: StaticString = "PROXY "
        for index in 0..<min(bytes.count, word.utf8CodeUnitCount) where bytes[index] != word.utf8Start[index] {
            return .malformed("no PROXY header")
        }
        var end = 0
        while end < bytes.count, bytes[end] != Octet.lf {
            end += 1
            guard end < longestLine else { return .malformed("PROXY line too long") }
        }
        guard end < bytes.count else { return .incomplete }
        guard bytes[end - 1] == Octet.cr else { return .malformed("PROXY line without CR") }
        guard let origin = origin(bytes, word.utf8CodeUnitCount..<end - 1) else {
            return .malformed("PROXY line not understood")
        }
        return .header(ProxyHeader(origin: origin), length: end + 1)
    }

    /// `TCP4 source destination port port`, with one blank between; what follows UNKNOWN is to be ignored.
    private static func origin(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Origin? {
        var words: [Range<Int>] = []
        var start = range.lowerBound
        for index in range where bytes[index] == Octet.space {
            words.append(start..<index)
            start = index + 1
        }
        words.append(start..<range.upperBound)
        if same(bytes, words[0], "UNKNOWN") { return .unknown }
        let isIPv6 = same(bytes, words[0], "TCP6")
        guard isIPv6 || same(bytes, words[0], "TCP4"), words.count == 5,
            AddressLiteral.isIPv4(bytes, words[1]) != isIPv6, AddressLiteral.isIPv4(bytes, words[2]) != isIPv6,
            let source = IPAddress(text: bytes, words[1]),
            let destination = IPAddress(text: bytes, words[2]),
            let sourcePort = port(bytes, words[3]), let destinationPort = port(bytes, words[4])
        else { return nil }
        return .client(
            source: Endpoint(address: source, port: sourcePort),
            destination: Endpoint(address: destination, port: destinationPort))
    }

    /// To the letter: this line is in upper case.
    private static func same(_ bytes: Span<UInt8>, _ range: Range<Int>, _ word: StaticString) -> Bool {
        guard range.count == word.utf8CodeUnitCount else { return false }
        for offset in 0..<range.count where bytes[range.lowerBound + offset] != word.utf8Start[offset] { return false }
        return true
    }

    /// 0–65535 without leading zeros.
    private static func port(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
        guard range.count <= 5, let port = bytes.decimal(in: range), port <= 65_535,
            range.count == 1 || bytes[range.lowerBound] != UInt8(ascii: "0")
        else { return nil }
        return port
    }
}
