#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// What makes content unfit to be passed on.
///
/// A bare CR or LF is read as a line end by some servers and not by others, which lets a client hide a second message
/// in the first (SMTP smuggling); RFC 2045 §2.7 and §2.8 allow NUL neither in 7bit nor in 8bit data.
package struct ContentFlaws: OptionSet, Sendable {
    package let rawValue: UInt8
    package static let bareLF = ContentFlaws(rawValue: 1)
    package static let bareCR = ContentFlaws(rawValue: 2)
    package static let nul = ContentFlaws(rawValue: 4)

    package init(rawValue: UInt8) { self.rawValue = rawValue }
}

extension UnsafeRawBufferPointer {
    /// Offset of the first `byte` in `range`, by the C library's vector search.
    func firstOffset(of byte: UInt8, in range: Range<Int>) -> Int? {
        guard let base = baseAddress, !range.isEmpty,
            let found = memchr(base + range.lowerBound, Int32(byte), range.count)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }
}
