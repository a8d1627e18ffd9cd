extension Timestamp {
    /// Reads RFC 3339 as we write it, in UTC: `2026-03-01T09:30:00.000Z`, with fewer digits of the second, or the date
    /// alone, which is its first moment.
    package init?(_ text: String) {
        var rest = text.utf8[...]
        func number(_ digits: Int, then separator: UInt8? = nil) -> Int? {
            guard rest.count >= digits else { return nil }
            var value = 0
            for byte in rest.prefix(digits) {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            rest = rest.dropFirst(digits)
            guard let separator else { return value }
            return rest.popFirst() == separator ? value : nil
        }
        let (dash, colon) = (UInt8(ascii: "-"), UInt8(ascii: ":"))
        guard let year = number(4, then: dash), let month = number(2, then: dash), let day = number(2),
            (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        let days = Self.days(year, month, day)
        var milliseconds = days * 86_400_000
        if !rest.isEmpty {
            guard rest.popFirst() == UInt8(ascii: "T"), let hour = number(2, then: colon),
                let minute = number(2, then: colon), let second = number(2), hour < 24, minute < 60, second < 60
            else { return nil }
            milliseconds += ((hour * 60 + minute) * 60 + second) * 1000
            if rest.first == UInt8(ascii: ".") {
                rest.removeFirst()
                guard let fraction = number(3) else { return nil }
                milliseconds += fraction
            }
            guard rest.elementsEqual([UInt8(ascii: "Z")]) else { return nil }
        }
        self.init(milliseconds: Int64(milliseconds))
        // The 31st of a month of 30 days came out as the next month's first.
        let civil = CivilTime(self)
        guard civil.month == month, civil.day == day else { return nil }
    }

    /// Days since 1970-01-01: the inverse of `CivilTime`.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
