/// `xtext` of RFC 3461 §4: printable octets, the others and `+` and `=` as `+HH`.
enum XText {
    /// Appends what `range` decodes to.
    ///
    /// - Returns: `false` for broken encoding and for octets that may not stand in a header field; what was appended
    ///   by then stays, and is the caller's to remove.
    static func decode(_ line: Span<UInt8>, _ range: Range<Int>, into output: inout [UInt8]) -> Bool {
        var index = range.lowerBound
        while index < range.upperBound {
            var byte = line[index]
            index += 1
            if byte == UInt8(ascii: "+") {
                guard index + 1 < range.upperBound, let high = Octet.hexadecimal(line[index]),
                    let low = Octet.hexadecimal(line[index + 1])
                else { return false }
                byte = high << 4 | low
                index += 2
            } else if byte == UInt8(ascii: "=") || byte == Octet.space {
                return false
            }
            guard !Octet.isControl(byte) else { return false }
            output.append(byte)
        }
        return true
    }
}
