/// Walks over the ESMTP parameters of MAIL and RCPT (RFC 5321 §4.1.2, `Mail-parameters`).
struct ParameterReader {
    struct Parameter {
        var keyword: Range<Int>
        /// `nil` where there is no `=`.
        var value: Range<Int>?
    }

    enum Step {
        case parameter(Parameter)
        case end
        case malformed
    }

    /// Offset of the octet after what was read.
    private(set) var index: Int

    /// - Parameter index: Offset of the octet after the path.
    init(at index: Int) { self.index = index }

    mutating func next(_ line: Span<UInt8>) -> Step {
        let start = index
        while index < line.count, Octet.isBlank(line[index]) { index += 1 }
        guard index < line.count else { return .end }
        guard index > start else { return .malformed }
        let keyword = index
        while index < line.count, isKeyword(line[index]) { index += 1 }
        guard index > keyword else { return .malformed }
        var parameter = Parameter(keyword: keyword..<index, value: nil)
        if index < line.count, line[index] == UInt8(ascii: "=") {
            index += 1
            let value = index
            while index < line.count, !Octet.isBlank(line[index]), line[index] != UInt8(ascii: "=") { index += 1 }
            guard index > value else { return .malformed }
            parameter.value = value..<index
        }
        guard index == line.count || Octet.isBlank(line[index]) else { return .malformed }
        return .parameter(parameter)
    }

    private func isKeyword(_ byte: UInt8) -> Bool {
        Octet.isLetter(byte) || Octet.isDigit(byte) || byte == UInt8(ascii: "-")
    }
}

extension Span<UInt8> {
    /// The decimal number of `range`; `nil` where it is none or does not fit.
    func decimal(in range: Range<Int>) -> Int? {
        guard !range.isEmpty, range.count <= 18 else { return nil }
        var value = 0
        for index in range {
            guard Octet.isDigit(self[index]) else { return nil }
            value = value * 10 + Int(self[index] - 0x30)
        }
        return value
    }
}
