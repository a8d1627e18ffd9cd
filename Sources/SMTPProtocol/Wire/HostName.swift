/// Names of hosts and address literals, checked without an allocation; the rules are those of `MailModel.Domain`.
enum HostName {
    /// - Parameter range: A name in lower case without a final dot.
    static func isValid(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard !range.isEmpty, range.count <= 253 else { return false }
        var length = 0
        var previous = UInt8(ascii: ".")
        for index in range {
            let byte = bytes[index]
            if byte == UInt8(ascii: ".") {
                guard length > 0, previous != UInt8(ascii: "-") else { return false }
                length = 0
            } else {
                guard
                    Octet.isLetter(byte) || Octet.isDigit(byte) || byte == UInt8(ascii: "_")
                        || byte == UInt8(ascii: "-") && length > 0
                else { return false }
                length += 1
                guard length <= 63 else { return false }
            }
            previous = byte
        }
        return length > 0 && previous != UInt8(ascii: "-")
    }
}

/// `address-literal` of RFC 5321 §4.1.3. General literals other than IPv6 have no registered tag, and are refused.
enum AddressLiteral {
    /// - Parameter range: The literal in lower case, with its brackets.
    static func isValid(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard range.count > 2, range.count <= 64, bytes[range.lowerBound] == UInt8(ascii: "["),
            bytes[range.upperBound - 1] == UInt8(ascii: "]")
        else { return false }
        let inner = range.lowerBound + 1..<range.upperBound - 1
        if inner.count > 5, bytes.equals("IPV6:", in: inner.lowerBound..<inner.lowerBound + 5) {
            return isIPv6(bytes, inner.lowerBound + 5..<inner.upperBound)
        }
        return isIPv4(bytes, inner)
    }

    /// Four decimal numbers of up to three digits, 0–255.
    static func isIPv4(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var (fields, digits, value) = (1, 0, 0)
        for index in range {
            let byte = bytes[index]
            if byte == UInt8(ascii: ".") {
                guard digits > 0 else { return false }
                (fields, digits, value) = (fields + 1, 0, 0)
            } else {
                guard Octet.isDigit(byte), digits < 3 else { return false }
                (digits, value) = (digits + 1, value * 10 + Int(byte - 0x30))
                guard value <= 255 else { return false }
            }
        }
        return fields == 4 && digits > 0
    }

    /// Eight groups of up to four hexadecimal digits; `::` once for one or more groups of zero; the last two groups
    /// may be an IPv4 address (RFC 4291 §2.2).
    static func isIPv6(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var (groups, digits, gaps) = (0, 0, 0)
        var start = range.lowerBound
        var index = range.lowerBound
        let colon = UInt8(ascii: ":")
        while index < range.upperBound {
            let byte = bytes[index]
            if byte == UInt8(ascii: ".") {
                guard isIPv4(bytes, start..<range.upperBound) else { return false }
                (groups, digits) = (groups + 2, 0)
                break
            } else if byte == colon {
                let isDouble = index + 1 < range.upperBound && bytes[index + 1] == colon
                guard digits > 0 || isDouble && index == range.lowerBound else { return false }
                if digits > 0 { groups += 1 }
                gaps += isDouble ? 1 : 0
                index += isDouble ? 2 : 1
                guard isDouble || index < range.upperBound else { return false }
                (digits, start) = (0, index)
            } else {
                guard digits < 4, Octet.hexadecimal(Octet.uppercased(byte)) != nil else { return false }
                digits += 1
                index += 1
            }
        }
        if digits > 0 { groups += 1 }
        return gaps == 0 ? groups == 8 : gaps == 1 && groups < 8
    }
}
