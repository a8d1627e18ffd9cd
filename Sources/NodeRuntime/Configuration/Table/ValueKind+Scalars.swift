internal import MailModel

extension ValueKind where Value == Bool {
    static var boolean: ValueKind {
        .scalar("true or false", schema: .object(["type": .string("boolean")]), show: { "\($0)" }) {
            scalar throws(Refusal) in
            guard scalar.isPlain, scalar.text == "true" || scalar.text == "false" else {
                throw Refusal("is not a truth value")
            }
            return scalar.text == "true"
        }
    }
}

extension ValueKind where Value == Int {
    static func integer(_ range: ClosedRange<Int>) -> ValueKind {
        let schema: JSONValue = .object([
            "type": .string("integer"), "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound),
        ])
        let allowed = "\(range.lowerBound)…\(range.upperBound)"
        return .scalar(allowed, schema: schema, show: { "\($0)" }) { scalar throws(Refusal) in
            guard scalar.isPlain, let value = Int(scalar.text) else { throw Refusal("is not a whole number") }
            guard range.contains(value) else { throw Refusal("is out of range") }
            return value
        }
    }

    static var port: ValueKind { integer(1...65_535) }

    static func size(_ range: ClosedRange<Int>) -> ValueKind {
        let allowed = "\(Units.show(size: range.lowerBound))…\(Units.show(size: range.upperBound))"
        return .scalar(allowed, schema: pattern("^[0-9]{1,15}([KMGT]i?)?B$"), show: { Units.show(size: $0) }) {
            scalar throws(Refusal) in
            let value = try Units.size(scalar.text)
            guard range.contains(value) else { throw Refusal("is out of range") }
            return value
        }
    }
}

extension ValueKind where Value == Duration {
    static func duration(_ range: ClosedRange<Duration>) -> ValueKind {
        let allowed = "\(Units.show(range.lowerBound))…\(Units.show(range.upperBound))"
        return .scalar(allowed, schema: pattern("^[0-9]{1,15}(ms|s|m|h|d)$"), show: { Units.show($0) }) {
            scalar throws(Refusal) in
            let value = try Units.duration(scalar.text)
            guard range.contains(value) else { throw Refusal("is out of range") }
            return value
        }
    }
}

extension ValueKind where Value == Double {
    static func factor(_ range: ClosedRange<Double>) -> ValueKind {
        .scalar(
            "\(range.lowerBound)…\(range.upperBound)", schema: .object(["type": .string("number")]), show: { "\($0)" }
        ) { scalar throws(Refusal) in
            guard scalar.isPlain, let value = Double(scalar.text), value.isFinite else {
                throw Refusal("is not a number")
            }
            guard range.contains(value) else { throw Refusal("is out of range") }
            return value
        }
    }

    static func percent(upTo limit: Int) -> ValueKind {
        .scalar(
            "0%…\(limit)%", schema: pattern("^[0-9]{1,3}%$"), show: { "\(Int(($0 * 100).rounded()))%" }
        ) { scalar throws(Refusal) in
            let value = try Units.percent(scalar.text)
            guard value <= Double(limit) / 100 else { throw Refusal("is out of range") }
            return value
        }
    }
}

extension ValueKind where Value == Rate? {
    static var rate: ValueKind {
        .scalar(
            "a rate as 100/s, 100/m, 5000/h, 20000/d, or unlimited",
            schema: pattern("^([0-9]{1,15}/[smhd]|unlimited)$"), show: { $0.map(\.description) ?? "unlimited" }
        ) { scalar throws(Refusal) in try Rate.parse(scalar.text) }
    }
}

extension ValueKind where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    static var choice: ValueKind {
        let names = Value.allCases.map(\.rawValue)
        let schema: JSONValue = .object(["enum": .array(names.map { .string($0) })])
        return .scalar("one of " + names.joined(separator: ", "), schema: schema, show: { $0.rawValue }) {
            scalar throws(Refusal) in
            guard let value = Value(rawValue: scalar.text) else {
                let near = NearestName.of(scalar.text, among: names)
                throw Refusal(near.map { "is unknown; did you mean \"\($0)\"?" } ?? "is unknown")
            }
            return value
        }
    }
}

extension ValueKind {
    /// A text that a type of ours reads.
    static func text(
        _ allowed: String, pattern expression: String = "", show: @escaping @Sendable (Value) -> String?,
        _ parse: @escaping @Sendable (String) throws(Refusal) -> Value
    ) -> ValueKind {
        let schema = expression.isEmpty ? JSONValue.object(["type": .string("string")]) : pattern(expression)
        return .scalar(allowed, schema: schema, show: show) { scalar throws(Refusal) in
            guard scalar.text.utf8.count <= 4096, !scalar.text.unicodeScalars.contains(where: { $0.value < 0x20 })
            else {
                throw Refusal("is too long or has control characters")
            }
            if scalar.isPlain, ["true", "false"].contains(scalar.text) {
                throw Refusal("is a truth value; put it in quotes if it is meant as a text")
            }
            return try parse(scalar.text)
        }
    }

    static func pattern(_ expression: String) -> JSONValue {
        .object(["type": .string("string"), "pattern": .string(expression)])
    }
}

extension ValueKind where Value == Domain {
    static var domain: ValueKind {
        .text("a domain name, as mail.example.org", show: { $0.name }) { text throws(Refusal) in
            guard let domain = Domain(normalizing: text), !domain.isAddressLiteral else {
                throw Refusal("is not a domain name")
            }
            return domain
        }
    }
}

extension ValueKind where Value == String {
    /// Names that the operator gives to things; they stand in metrics, commands and events.
    static var identifier: ValueKind {
        .text("1…64 of letters, digits, . _ -", pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", show: { $0 }) {
            text throws(Refusal) in
            guard isIdentifier(text) else { throw Refusal("is not a name") }
            return text
        }
    }

    static func isIdentifier(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 64 else { return false }
        func isLetterOrDigit(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
        return isLetterOrDigit(first) && text.utf8.allSatisfy { isLetterOrDigit($0) || ".-_".utf8.contains($0) }
    }

    /// A path, made absolute or relative to this process; the file itself is not looked at.
    static var path: ValueKind { path { _ in nil } }

    /// A path of a file that this process can read now.
    static var readableFile: ValueKind {
        path { ConfigurationReader.problem(readingFile: $0).map { "cannot be read: \($0)" } }
    }

    private static func path(_ problem: @escaping @Sendable (String) -> String?) -> ValueKind {
        let text = ValueKind.text("a path; relative ones count from the configuration file", show: { $0 }) {
            text throws(Refusal) in
            guard !text.isEmpty else { throw Refusal("is empty") }
            return text
        }
        return ValueKind(
            allowed: text.allowed, schema: text.schema,
            read: { node, reader in
                guard let path = text.read(node, reader).map(reader.resolve(path:)) else { return nil }
                if let problem = problem(path) { reader.report(node, problem) }
                return path
            }, show: { $0 })
    }
}
