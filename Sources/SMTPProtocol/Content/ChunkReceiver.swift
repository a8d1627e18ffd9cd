/// Looks through the octets of BDAT chunks (RFC 3030), which are content as they stand: no dots, no terminator.
///
/// Chunks may be cut anywhere, between a CR and its LF too.
package struct ChunkReceiver: Sendable {
    package private(set) var flaws: ContentFlaws = []
    package private(set) var endsInCRLF = false
    private var endsInCR = false

    package init() {}

    package mutating func receive(_ piece: UnsafeRawBufferPointer) {
        guard let last = piece.last else { return }
        var index = 0
        if endsInCR {
            if piece[0] == Octet.lf { index = 1 } else { flaws.insert(.bareCR) }
        }
        let startsInCRLF = index == 1
        while let end = piece.firstOffset(of: Octet.lf, in: index..<piece.count) {
            let isCRLF = end > index && piece[end - 1] == Octet.cr
            if !isCRLF { flaws.insert(.bareLF) }
            if piece.firstOffset(of: Octet.cr, in: index..<(isCRLF ? end - 1 : end)) != nil { flaws.insert(.bareCR) }
            index = end + 1
        }
        if let cr = piece.firstOffset(of: Octet.cr, in: index..<piece.count), cr < piece.count - 1 {
            flaws.insert(.bareCR)
        }
        if piece.firstOffset(of: 0, in: 0..<piece.count) != nil { flaws.insert(.nul) }
        endsInCR = last == Octet.cr
        endsInCRLF =
            last == Octet.lf && (piece.count == 1 ? startsInCRLF : piece[piece.count - 2] == Octet.cr)
    }

    /// A CR at the very end of the content has no LF to come.
    package mutating func finish() {
        if endsInCR { flaws.insert(.bareCR) }
    }
}
