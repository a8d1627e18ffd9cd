internal import MailModel
internal import Yams

/// A type of value: how it is read from a node, shown in the reference, and described as JSON Schema.
struct ValueKind<Value: Sendable>: Sendable {
    /// What is allowed, for errors and the reference.
    let allowed: String
    let schema: JSONValue
    /// - Returns: `nil` after it reported an issue.
    let read: @Sendable (Node, ConfigurationReader) -> Value?
    /// A default as it would be written; `nil` where there is none.
    let show: @Sendable (Value) -> String?
    /// Rows of the keys below this value.
    var rows: @Sendable (_ key: String) -> [ReferenceRow] = { _ in [] }
}

/// A scalar as it was written.
struct ScalarText {
    let text: String
    /// Quoted text is never a number or a truth value.
    let isPlain: Bool
}

extension ValueKind {
    /// A kind written as one scalar.
    static func scalar(
        _ allowed: String, schema: JSONValue, show: @escaping @Sendable (Value) -> String?,
        parse: @escaping @Sendable (ScalarText) throws(Refusal) -> Value
    ) -> ValueKind {
        ValueKind(
            allowed: allowed, schema: schema,
            read: { node, reader in
                guard case .scalar(let scalar) = node else {
                    reader.report(node, "must be a single value, not a list or mapping; allowed: \(allowed)")
                    return nil
                }
                guard !node.isEmptyScalar else {
                    reader.report(node, "has no value; allowed: \(allowed)")
                    return nil
                }
                do throws(Refusal) {
                    return try parse(ScalarText(text: scalar.string, isPlain: scalar.style == .plain))
                } catch {
                    reader.report(node, "\(error.reason); allowed: \(allowed)")
                    return nil
                }
            }, show: show)
    }

    /// The same kind for a field that may be without a value.
    var optional: ValueKind<Value?> {
        let (read, show) = (read, show)
        return ValueKind<Value?>(
            allowed: allowed, schema: schema, read: { read($0, $1).map { .some($0) } },
            show: { $0.flatMap(show) }, rows: rows)
    }

    /// The same kind for another type of Swift.
    func map<Other: Sendable>(
        _ transform: @escaping @Sendable (Value) -> Other, back: @escaping @Sendable (Other) -> Value?
    ) -> ValueKind<Other> {
        let (read, show) = (read, show)
        return ValueKind<Other>(
            allowed: allowed, schema: schema, read: { read($0, $1).map(transform) },
            show: { back($0).flatMap(show) }, rows: rows)
    }
}

extension ValueKind where Value == [String] {
    /// Shows a default list on one line.
    static func showList(_ items: [String]) -> String? {
        items.isEmpty ? nil : "[" + items.joined(separator: ", ") + "]"
    }
}
