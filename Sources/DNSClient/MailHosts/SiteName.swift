internal import Crypto

/// Name of a set of hosts, the same for every order and every destination that has the set.
///
/// One host is its own name. Several are written as the labels they end in alike, before that the rest of each:
/// `(alt1|alt2)?.mx.example.net` is mx.example.net with alt1 and alt2 of it, `(mx1.a.test|mx2.b.test)` have nothing in
/// common. Two sets never share a name, for connections to a site are used for all its destinations.
package enum SiteName {
    package static let maximumLength = 255

    /// - Parameter hosts: In lower case.
    package static func of(_ hosts: [String]) -> String {
        let names = Set(hosts).map { $0.split(separator: ".", omittingEmptySubsequences: false) }
        guard var suffix = names.first else { return "" }
        if names.count == 1 { return bounded(suffix.joined(separator: ".")) }
        for name in names.dropFirst() {
            let shared = zip(suffix.reversed(), name.reversed()).prefix { $0 == $1 }.count
            suffix = suffix.suffix(shared)
        }
        let heads = names.map { $0.dropLast(suffix.count).joined(separator: ".") }.filter { !$0.isEmpty }.sorted()
        var text = "(\(heads.joined(separator: "|")))"
        if heads.count < names.count { text += "?" }
        if !suffix.isEmpty { text += "." + suffix.joined(separator: ".") }
        return bounded(text)
    }

    /// What is too long keeps its beginning and gets 128 bits of its SHA-256: nobody can forge a set of hosts that
    /// shares another's name.
    private static func bounded(_ text: String) -> String {
        guard text.utf8.count > maximumLength else { return text }
        let digits = Array("0123456789abcdef".utf8)
        var bytes = Array(text.utf8.prefix(maximumLength - 33))
        bytes.append(UInt8(ascii: "~"))
        for byte in SHA256.hash(data: Array(text.utf8)).prefix(16) {
            bytes.append(digits[Int(byte >> 4)])
            bytes.append(digits[Int(byte & 15)])
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
