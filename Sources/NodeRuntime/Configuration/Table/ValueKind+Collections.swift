internal import Yams

extension ValueKind {
    /// A list, written with `-` or in brackets.
    static func list<Element>(of element: ValueKind<Element>, upTo limit: Int = 10_000) -> ValueKind
    where Value == [Element] {
        ValueKind(
            allowed: "a list of: \(element.allowed)",
            schema: .object([
                "type": .string("array"), "maxItems": .integer(limit), "items": element.schema,
            ]),
            read: { node, reader in
                guard case .sequence(let items) = node else {
                    reader.report(node, "must be a list of: \(element.allowed)")
                    return nil
                }
                guard items.count <= limit else {
                    reader.report(node, "has \(items.count) entries; allowed: up to \(limit)")
                    return nil
                }
                return items.enumerated().compactMap { index, item in
                    reader.inside(index: index, at: item) { element.read(item, reader) }
                }
            },
            show: { items in
                let shown = items.compactMap(element.show)
                return shown.isEmpty ? nil : "[\(shown.joined(separator: ", "))]"
            },
            rows: { element.rows($0 + "[]") })
    }

    /// One value, or a list of them.
    static func oneOrMore<Element>(_ element: ValueKind<Element>) -> ValueKind where Value == [Element] {
        let list = ValueKind.list(of: element, upTo: 100)
        return ValueKind(
            allowed: element.allowed + ", or a list of them",
            schema: .object(["anyOf": .array([element.schema, list.schema])]),
            read: { node, reader in
                guard case .sequence(let items) = node else { return element.read(node, reader).map { [$0] } }
                guard !items.isEmpty else {
                    reader.report(node, "is an empty list; allowed: \(element.allowed)")
                    return nil
                }
                return list.read(node, reader)
            }, show: list.show)
    }

    /// A mapping whose keys the operator chooses; keeps their order.
    ///
    /// - Parameter make: Makes an element of a key and its value, or refuses the key.
    static func mapping<Key, Entry, Element>(
        keys: ValueKind<Key>, placeholder: String, to entry: ValueKind<Entry>, upTo limit: Int = 10_000,
        _ make: @escaping @Sendable (Key, Entry) -> Element
    ) -> ValueKind where Value == [Element] {
        ValueKind(
            allowed: "a mapping of \(placeholder) (\(keys.allowed)) to \(entry.allowed)",
            schema: .object([
                "type": .array([.string("object"), .string("null")]), "maxProperties": .integer(limit),
                "additionalProperties": entry.schema,
            ]),
            read: { node, reader in
                if node.isEmptyScalar { return [] }
                guard case .mapping(let pairs) = node else {
                    reader.report(node, "must be a mapping of \(placeholder) to \(entry.allowed)")
                    return nil
                }
                guard pairs.count <= limit else {
                    reader.report(node, "has \(pairs.count) entries; allowed: up to \(limit)")
                    return nil
                }
                return pairs.compactMap { key, value in
                    reader.inside(key: key.scalarText ?? "?", at: key) {
                        guard let name = keys.read(key, reader), let entry = entry.read(value, reader) else {
                            return nil
                        }
                        return make(name, entry)
                    }
                }
            },
            show: { _ in nil },
            rows: { entry.rows("\($0).\(placeholder)") })
    }

    /// A section as the value of a list or mapping.
    static func section(
        _ section: ConfigurationSection<Value>, from initial: @escaping @Sendable () -> Value
    ) -> ValueKind {
        ValueKind(
            allowed: "a mapping with \(section.fields.map(\.name).joined(separator: ", "))",
            schema: section.schema(initial()),
            read: { node, reader in
                var value = initial()
                section.read(node, into: &value, reader)
                return value
            },
            show: { _ in nil },
            rows: { section.rows(prefix: $0 + ".", initial()) })
    }
}
