/// Finds the end of the next command line and remembers how far it looked.
///
/// Only CRLF ends a line (RFC 5321 §2.3.8). A line that grows past its limit is thrown away as it comes in, up to its
/// CRLF, so that no more than the limit and one read is ever buffered.
struct LineScanner: Sendable {
    enum Result: Equatable {
        case incomplete
        /// A line of that many octets, its CRLF not counted, stands at the reader index.
        case line(Int)
        /// An overlong line has ended.
        case overlong
    }

    /// Octets after the reader index that hold no CRLF.
    private var scanned = 0
    private var isDiscarding = false

    /// - Parameters:
    ///   - bytes: All that is buffered.
    ///   - limit: Longest line with its CRLF, given the octets that have come of it.
    /// - Returns: What was found, and how many octets to drop now: they belong to an overlong line.
    mutating func next(_ bytes: Span<UInt8>, limit: (Span<UInt8>) -> Int) -> (result: Result, drop: Int) {
        guard let end = Self.lineEnd(bytes, from: scanned) else {
            guard bytes.count > 0, isDiscarding || bytes.count > limit(bytes) else {
                scanned = bytes.count
                return (.incomplete, 0)
            }
            isDiscarding = true
            // A CR at the end may be half of the CRLF that is waited for.
            scanned = bytes[bytes.count - 1] == Octet.cr ? 1 : 0
            return (.incomplete, bytes.count - scanned)
        }
        let isOverlong = isDiscarding || end + 2 > limit(bytes)
        (scanned, isDiscarding) = (0, false)
        return isOverlong ? (.overlong, end + 2) : (.line(end), 0)
    }

    mutating func reset() { self = LineScanner() }

    /// - Returns: Offset of the CR of the first CRLF.
    private static func lineEnd(_ bytes: Span<UInt8>, from scanned: Int) -> Int? {
        var index = scanned
        while index < bytes.count {
            if bytes[index] == Octet.lf, index > 0, bytes[index - 1] == Octet.cr { return index - 1 }
            index += 1
        }
        return nil
    }
}

/// Octets that a command line may not, or may only sometimes, hold.
struct LineFlaws: OptionSet {
    let rawValue: UInt8
    static let bareLineEnd = LineFlaws(rawValue: 1)
    static let control = LineFlaws(rawValue: 2)
    static let eightBit = LineFlaws(rawValue: 4)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(of line: Span<UInt8>) {
        var flaws: LineFlaws = []
        for index in line.indices {
            let byte = line[index]
            if byte >= 0x20 && byte < 0x7F { continue }
            switch byte {
            case Octet.cr, Octet.lf: flaws.insert(.bareLineEnd)
            case 0x80...0xFF: flaws.insert(.eightBit)
            case Octet.tab: break
            default: flaws.insert(.control)
            }
        }
        self = flaws
    }
}
