internal import Yams

/// One row of the reference: a key, what it takes, and what it means.
struct ReferenceRow: Sendable, Equatable {
    var key: String
    var allowed: String
    var defaultText: String
    var doc: String
}

/// A key of a section: its name, where its value goes, its type, and one line of documentation.
///
/// The default is what the field of `Root` holds before a file is read, so it stands in one place.
struct Field<Root: Sendable>: Sendable {
    let name: String
    let isRequired: Bool
    let read: @Sendable (Node, inout Root, ConfigurationReader) -> Void
    let rows: @Sendable (_ prefix: String, _ defaults: Root) -> [ReferenceRow]
    let schema: @Sendable (_ defaults: Root) -> JSONValue

    init<Value>(
        _ name: String, _ member: any WritableKeyPath<Root, Value> & Sendable, _ kind: ValueKind<Value>,
        required: Bool = false, default given: String? = nil, otherwise absent: String = "(none)", _ doc: String
    ) {
        self.name = name
        isRequired = required
        read = { node, root, reader in
            if let value = kind.read(node, reader) { root[keyPath: member] = value }
        }
        let shown: @Sendable (Root) -> String = { defaults in
            given ?? (required ? "(required)" : kind.show(defaults[keyPath: member]) ?? absent)
        }
        rows = { prefix, defaults in
            let row = ReferenceRow(
                key: prefix + name, allowed: kind.allowed, defaultText: shown(defaults), doc: doc)
            return [row] + kind.rows(prefix + name)
        }
        schema = { defaults in
            kind.schema.adding("description", .string("\(doc) Default: \(shown(defaults)). Allowed: \(kind.allowed)."))
        }
    }

    /// A section within the section.
    init<Nested>(
        _ name: String, _ member: any WritableKeyPath<Root, Nested> & Sendable, _ section: ConfigurationSection<Nested>,
        _ doc: String
    ) {
        self.name = name
        isRequired = false
        read = { node, root, reader in
            // `sender:` with everything below it commented out means the defaults.
            if !node.isEmptyScalar { section.read(node, into: &root[keyPath: member], reader) }
        }
        rows = { prefix, defaults in section.rows(prefix: prefix + name + ".", defaults[keyPath: member]) }
        schema = { defaults in section.schema(defaults[keyPath: member]).adding("description", .string(doc)) }
    }
}

/// The keys of one mapping.
struct ConfigurationSection<Root: Sendable>: Sendable {
    let fields: [Field<Root>]

    init(@FieldList<Root> _ fields: () -> [Field<Root>]) { self.fields = fields() }
    init(fields: [Field<Root>]) { self.fields = fields }

    func read(_ node: Node, into root: inout Root, _ reader: ConfigurationReader) {
        guard case .mapping(let pairs) = node else {
            let keys = fields.map(\.name).joined(separator: ", ")
            return reader.report(node, "must be a mapping with keys of: \(keys)")
        }
        var given: Set<String> = []
        for (key, value) in pairs {
            guard let name = key.scalarText else {
                reader.report(key, "has a key that is no plain word")
                continue
            }
            guard let field = fields.first(where: { $0.name == name }) else {
                reader.inside(key: name, at: key) { reader.report(key: reader.currentPath, unknownKey(name)) }
                continue
            }
            given.insert(name)
            reader.inside(key: name, at: key) { field.read(value, &root, reader) }
        }
        for field in fields where field.isRequired && !given.contains(field.name) {
            reader.report(node, "has no \"\(field.name)\", which it must have")
        }
    }

    private func unknownKey(_ name: String) -> String {
        let names = fields.map(\.name)
        if let near = NearestName.of(name, among: names) { return "unknown key; did you mean \"\(near)\"?" }
        return "unknown key; known here: \(names.joined(separator: ", "))"
    }

    func rows(prefix: String, _ defaults: Root) -> [ReferenceRow] {
        fields.flatMap { $0.rows(prefix, defaults) }
    }

    func schema(_ defaults: Root) -> JSONValue {
        let members = fields.map { JSONValue.Member(name: $0.name, value: $0.schema(defaults)) }
        let required = fields.filter(\.isRequired).map { JSONValue.string($0.name) }
        let object: JSONValue = .object([
            "type": required.isEmpty ? .array([.string("object"), .string("null")]) : .string("object"),
            "additionalProperties": .boolean(false), "properties": .object(members),
        ])
        return required.isEmpty ? object : object.adding("required", .array(required))
    }
}

/// Checks each key of a section by itself, which keeps compiling fast and errors short.
@resultBuilder
enum FieldList<Root: Sendable> {
    static func buildExpression(_ field: Field<Root>) -> Field<Root> { field }
    static func buildBlock(_ fields: Field<Root>...) -> [Field<Root>] { fields }
}

extension Node {
    /// The text of a scalar; `nil` for mappings and lists.
    var scalarText: String? {
        if case .scalar(let scalar) = self { scalar.string } else { nil }
    }

    /// Nothing behind the colon, `~` or `null`, without quotes.
    var isEmptyScalar: Bool {
        guard case .scalar(let scalar) = self else { return false }
        return scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
    }
}

/// Suggestion for a mistyped name.
package enum NearestName {
    /// - Returns: The name with the fewest edits, if those are at most a third of its length; `nil` without one.
    package static func of(_ name: String, among names: [String]) -> String? {
        guard name.utf8.count <= 64 else { return nil }
        let ranked = names.map { (edits: distance(Array(name.lowercased().utf8), Array($0.utf8)), name: $0) }
        guard let best = ranked.min(by: { $0.edits < $1.edits }) else { return nil }
        let length = best.name.utf8.count
        return best.edits <= max(1, length / 3) && best.edits < length ? best.name : nil
    }

    /// Levenshtein's distance.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for (i, left) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, right) in b.enumerated() {
                let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (left == right ? 0 : 1))
                (diagonal, row[j + 1]) = (row[j + 1], next)
            }
        }
        return row[b.count]
    }
}
