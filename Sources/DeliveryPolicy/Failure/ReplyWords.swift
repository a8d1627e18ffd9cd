/// Text of a reply as a list of lower-case words with single spaces around, so that a pattern can ask for whole words.
///
/// Words with an `@` are left out: hosts repeat addresses, and `spam@example.org` is no verdict.
struct ReplyWords {
    /// Longer texts are cut; no verdict needs more.
    private static let limit = 1024

    private let bytes: [UInt8]

    init(_ text: String) {
        var bytes: [UInt8] = [UInt8(ascii: " ")]
        bytes.reserveCapacity(min(text.utf8.count, Self.limit) + 2)
        var start = 1
        var isAddress = false
        func endToken() {
            if isAddress { bytes.removeSubrange(start...) }
            if bytes.last != UInt8(ascii: " ") { bytes.append(UInt8(ascii: " ")) }
            start = bytes.count
            isAddress = false
        }
        for byte in text.utf8.prefix(Self.limit) {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): bytes.append(byte | 0x20)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
                bytes.append(byte)
            case 0...UInt8(ascii: " "), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "("), UInt8(ascii: ")"),
                UInt8(ascii: "\""):
                endToken()
            case UInt8(ascii: "@"): isAddress = true
            default: if bytes.last != UInt8(ascii: " ") { bytes.append(UInt8(ascii: " ")) }
            }
        }
        endToken()
        self.bytes = bytes
    }

    func contain(_ patterns: [[UInt8]]) -> Bool { patterns.contains { contains($0) } }

    func first(of table: [(pattern: [UInt8], bounceClass: BounceClass)]) -> BounceClass? {
        table.first { contains($0.pattern) }?.bounceClass
    }

    private func contains(_ pattern: [UInt8]) -> Bool {
        let (text, pattern) = (bytes.span, pattern.span)
        guard !pattern.isEmpty, pattern.count <= text.count else { return false }
        for start in 0...(text.count - pattern.count) where text[start] == pattern[0] {
            var length = 1
            while length < pattern.count, text[start + length] == pattern[length] { length += 1 }
            if length == pattern.count { return true }
        }
        return false
    }
}
