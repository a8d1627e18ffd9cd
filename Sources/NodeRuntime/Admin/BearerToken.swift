/// The secret that allows writes over TCP (RFC 6750). Never shown.
package struct BearerToken: Sendable, CustomStringConvertible {
    private let bytes: [UInt8]

    static let lengths = 16...512

    /// - Parameter text: The file's content; its first line counts.
    package init?(_ text: String) {
        let line = text.prefix { !$0.isNewline }
        guard BearerToken.lengths.contains(line.utf8.count), line.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return nil
        }
        bytes = Array(line.utf8)
    }

    /// Compares without telling by its time how much was right.
    package func isGiven(in authorization: String) -> Bool {
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return false }
        let given = Array(parts[1].utf8)
        var difference = given.count ^ bytes.count
        for index in bytes.indices { difference |= Int(bytes[index] ^ (index < given.count ? given[index] : 0)) }
        return difference == 0
    }

    package var description: String { "(secret)" }
}
