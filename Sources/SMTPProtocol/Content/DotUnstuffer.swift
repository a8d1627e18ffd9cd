internal import NIOCore

/// Reads what follows DATA up to CRLF.CRLF, and takes the stuffing dots out (RFC 5321 §4.5.2).
///
/// Nothing but CRLF ends a line here. It remembers what it scanned, so content may come in pieces cut anywhere.
package struct DotUnstuffer: Sendable {
    /// Where the next octet stands.
    private enum Place: Sendable {
        /// Behind CRLF or at the very start → dot, inside.
        case lineStart
        /// In a line → afterCR, lineStart.
        case inside
        /// Behind a CR that ended the previous piece → lineStart, inside.
        case afterCR
        /// Behind a dot that began a line, not written → dotCR, inside.
        case dot
        /// Behind such a dot and CR, neither written → the end, inside.
        case dotCR
    }

    private var place = Place.lineStart
    package private(set) var flaws: ContentFlaws = []
    /// Write CRLF for a bare LF instead of noting a flaw. A dot behind a bare LF is neither an end nor stuffing.
    let convertsBareLF: Bool

    package init(convertsBareLF: Bool) { self.convertsBareLF = convertsBareLF }

    /// Takes one piece.
    ///
    /// - Parameter write: Called for each run of content, in order.
    /// - Returns: Octets taken, and whether the content ended with the last of them.
    package mutating func receive(
        _ piece: UnsafeRawBufferPointer, write: (UnsafeRawBufferPointer) -> Void
    ) -> (taken: Int, isEnd: Bool) {
        var index = 0
        var run = 0
        func flush(to end: Int) {
            if end > run { write(UnsafeRawBufferPointer(rebasing: piece[run..<end])) }
        }
        scan: while index < piece.count {
            switch place {
            case .lineStart:
                place = .inside
                guard piece[index] == UInt8(ascii: ".") else { continue scan }
                flush(to: index)
                index += 1
                (run, place) = (index, .dot)
            case .inside:
                guard let end = piece.firstOffset(of: Octet.lf, in: index..<piece.count) else {
                    place = checkTail(piece, from: index)
                    index = piece.count
                    continue scan
                }
                if end > index, piece[end - 1] == Octet.cr {
                    if piece.firstOffset(of: Octet.cr, in: index..<end - 1) != nil { flaws.insert(.bareCR) }
                    place = .lineStart
                } else {
                    if piece.firstOffset(of: Octet.cr, in: index..<end) != nil { flaws.insert(.bareCR) }
                    flush(to: end)
                    run = bareLF(at: end, write: write)
                }
                index = end + 1
            case .afterCR:
                place = piece[index] == Octet.lf ? .lineStart : .inside
                if place == .lineStart { index += 1 } else { flaws.insert(.bareCR) }
            case .dot:
                place = piece[index] == Octet.cr ? .dotCR : .inside
                if place == .dotCR {
                    index += 1
                    run = index
                }
            case .dotCR:
                if piece[index] == Octet.lf {
                    noteNUL(piece, upTo: index)
                    place = .lineStart
                    return (index + 1, true)
                }
                withUnsafeBytes(of: Octet.cr) { write($0) }
                flaws.insert(.bareCR)
                place = .inside
            }
        }
        flush(to: piece.count)
        noteNUL(piece, upTo: piece.count)
        return (piece.count, false)
    }

    /// The rest of a piece without LF: a CR may stand only at its end.
    private mutating func checkTail(_ piece: UnsafeRawBufferPointer, from index: Int) -> Place {
        guard let cr = piece.firstOffset(of: Octet.cr, in: index..<piece.count) else { return .inside }
        if cr < piece.count - 1 { flaws.insert(.bareCR) }
        return piece[piece.count - 1] == Octet.cr ? .afterCR : .inside
    }

    /// - Returns: Where the next run starts.
    private mutating func bareLF(at end: Int, write: (UnsafeRawBufferPointer) -> Void) -> Int {
        place = .inside
        guard convertsBareLF else {
            flaws.insert(.bareLF)
            return end
        }
        withUnsafeBytes(of: (Octet.cr, Octet.lf)) { write($0) }
        return end + 1
    }

    private mutating func noteNUL(_ piece: UnsafeRawBufferPointer, upTo end: Int) {
        if piece.firstOffset(of: 0, in: 0..<end) != nil { flaws.insert(.nul) }
    }
}
