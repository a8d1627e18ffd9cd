internal import NIOCore

/// Undoes transfer encodings (RFC 2045 §6), as far as they can be understood.
enum TransferEncoding {
    static func base64(_ text: ByteBuffer) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(text.readableBytes * 3 / 4)
        var (group, bits) = (UInt32(0), UInt32(0))
        for letter in text.readableBytesView {
            let value: UInt8
            switch letter {
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            case UInt8(ascii: "-"), UInt8(ascii: "_"): continue
            case UInt8(ascii: "="):
                (group, bits) = (0, 0)
                continue
            default:
                // Other characters are to be ignored (RFC 2045 §6.8).
                guard let known = Base64URL.value(of: letter) else { continue }
                value = known
            }
            group = group << 6 | UInt32(value)
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.writeInteger(UInt8(truncatingIfNeeded: group >> bits))
        }
        return bytes
    }

    static func quotedPrintable(_ text: ByteBuffer) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(text.readableBytes)
        var rest = text.readableBytesView[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "=") else {
                bytes.writeInteger(byte)
                continue
            }
            let line = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            if line.starts(with: "\r\n".utf8) {
                rest = line.dropFirst(2)
            } else if let high = rest.first.flatMap(hex), let low = rest.dropFirst().first.flatMap(hex) {
                bytes.writeInteger(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                bytes.writeInteger(byte)
            }
        }
        return bytes
    }

    private static func hex(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
