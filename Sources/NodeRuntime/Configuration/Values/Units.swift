/// Why a text is not a value of its type; goes into an error beside file, line and key.
package struct Refusal: Error, Equatable {
    package let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// Numbers with units, as configuration and commands write them: `50MB`, `5m`, `100/s`, `20%`.
package enum Units {
    /// Decimal and binary multiples of a byte.
    static let sizes: [(suffix: String, factor: Int)] = [
        ("B", 1), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]

    /// Units of time in milliseconds.
    static let durations: [(suffix: String, factor: Int)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    package static func size(_ text: String) throws(Refusal) -> Int {
        try number(text, units: sizes, what: "a size", example: "50MB or 64KiB")
    }

    package static func duration(_ text: String) throws(Refusal) -> Duration {
        .milliseconds(try number(text, units: durations, what: "a duration", example: "50ms, 30s, 5m, 2h or 5d"))
    }

    /// A fraction of one; `20%` is 0.2.
    static func percent(_ text: String) throws(Refusal) -> Double {
        guard text.hasSuffix("%"), let value = digits(text.dropLast()) else {
            throw Refusal("is not a percentage, as 20%")
        }
        return Double(value) / 100
    }

    /// A whole number without sign, up to 15 digits, so that a product with any unit is checked, not trapped.
    static func digits(_ text: Substring) -> Int? {
        guard (1...15).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }

    private static func number(
        _ text: String, units: [(suffix: String, factor: Int)], what: String, example: String
    ) throws(Refusal) -> Int {
        let split = text.firstIndex { !("0"..."9").contains($0) } ?? text.endIndex
        guard let value = digits(text[..<split]) else { throw Refusal("is not \(what), as \(example)") }
        guard split != text.endIndex else { throw Refusal("has no unit: write \(what) as \(example)") }
        guard let unit = units.first(where: { $0.suffix == text[split...] }) else {
            let known = units.map(\.suffix).joined(separator: ", ")
            throw Refusal("has an unknown unit \"\(text[split...])\" (known: \(known))")
        }
        let (product, overflow) = value.multipliedReportingOverflow(by: unit.factor)
        guard !overflow else { throw Refusal("is too large") }
        return product
    }

    /// The shortest exact writing: `5m`, not `300s`.
    package static func show(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return show(Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000), in: durations, zero: "0s")
    }

    package static func show(size: Int) -> String { show(size, in: sizes, zero: "0B") }

    private static func show(_ value: Int, in units: [(suffix: String, factor: Int)], zero: String) -> String {
        guard value != 0 else { return zero }
        let fitting = units.filter { value % $0.factor == 0 }.max { $0.factor < $1.factor }
        return fitting.map { "\(value / $0.factor)\($0.suffix)" } ?? "\(value)"
    }
}

/// So many events in a unit of time: `100/s`, `100/m`, `20000/d`.
package struct Rate: Hashable, Sendable, CustomStringConvertible {
    package enum Unit: String, Sendable, CaseIterable {
        case second = "s"
        case minute = "m"
        case hour = "h"
        case day = "d"

        package var duration: Duration {
            switch self {
            case .second: .seconds(1)
            case .minute: .seconds(60)
            case .hour: .seconds(3600)
            case .day: .seconds(86_400)
            }
        }
    }

    /// 1 or more.
    package var count: Int
    package var unit: Unit

    package init(_ count: Int, per unit: Unit) { (self.count, self.unit) = (count, unit) }

    package var description: String { "\(count)/\(unit.rawValue)" }

    /// - Returns: `nil` for `unlimited`.
    package static func parse(_ text: String) throws(Refusal) -> Rate? {
        if text == "unlimited" { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Units.digits(parts[0]), let unit = Unit(rawValue: String(parts[1])) else {
            throw Refusal("is not a rate, as 100/s, 100/m, 5000/h, 20000/d or unlimited")
        }
        guard count > 0 else { throw Refusal("is a rate of nothing: at least 1") }
        return Rate(count, per: unit)
    }
}
