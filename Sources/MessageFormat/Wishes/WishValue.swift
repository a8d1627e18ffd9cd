internal import NIOCore

/// Value of a wish field: unfolded, without the blanks around it.
struct WishValue {
    private static let maximumDuration = 366 * 86_400

    /// `nil` where it is empty, too long, no UTF-8, or has control characters.
    let text: String?
    /// For a message about it.
    let excerpt: String

    init(_ bytes: ByteBufferView) {
        // Folds add to the length, so more is read than is allowed in the end.
        var unfolded = bytes.prefix(4096).filter { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
        while let last = unfolded.last, Self.isBlank(last) { unfolded.removeLast() }
        unfolded.removeFirst(unfolded.prefix { Self.isBlank($0) }.count)
        for index in unfolded.indices where unfolded[index] == UInt8(ascii: "\t") {
            unfolded[index] = UInt8(ascii: " ")
        }
        excerpt = FieldText.printable(String(decoding: unfolded.prefix(64), as: UTF8.self), limit: 64)
        let isFit =
            (1...WishFields.maximumValue).contains(unfolded.count) && bytes.count <= 4096
            && unfolded.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        text = isFit ? String(validating: unfolded, as: UTF8.self) : nil
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    /// Up to nine decimal digits.
    var number: Int? { text.flatMap { Self.number($0[...]) } }

    /// `300s`, `90m`, `48h`, `5d`, `2w`; above zero.
    var duration: Duration? {
        guard let text, let unit = text.last, let count = Self.number(text.dropLast()), count > 0 else { return nil }
        let seconds: Int
        switch unit {
        case "s": seconds = count
        case "m": seconds = count * 60
        case "h": seconds = count * 3600
        case "d": seconds = count * 86_400
        case "w": seconds = count * 604_800
        default: return nil
        }
        return seconds <= Self.maximumDuration ? .seconds(seconds) : nil
    }

    private static func number(_ text: Substring) -> Int? {
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return Int(text)
    }
}
