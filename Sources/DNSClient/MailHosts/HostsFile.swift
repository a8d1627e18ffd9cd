package import MailModel

/// Names of `/etc/hosts` with their addresses, IPv4 first.
package struct HostsFile: Sendable {
    static let maximumNames = 10_000

    private var addresses: [String: [IPAddress]] = [:]

    /// Lines that cannot be read are passed over, as every resolver does.
    package init(parsing text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard let first = words.first, let address = IPAddress(String(first)) else { continue }
            for word in words.dropFirst() where addresses.count < Self.maximumNames {
                let name = word.lowercased()
                if !addresses[name, default: []].contains(address) { addresses[name, default: []].append(address) }
            }
        }
        for name in addresses.keys { _ = addresses[name]?.partition { $0.isIPv6 } }
    }

    /// `localhost` is there even where no file says so (RFC 6761 §6.3).
    package func addresses(of name: String) -> [IPAddress]? {
        addresses[name] ?? (name == "localhost" ? [.v4(0x7F00_0001), .v6(high: 0, low: 1)] : nil)
    }
}
