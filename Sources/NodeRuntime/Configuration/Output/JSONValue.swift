/// A JSON document whose objects keep their order; for schemas and other text that people read.
indirect enum JSONValue: Sendable, Equatable {
    case string(String)
    case integer(Int)
    case boolean(Bool)
    case array([JSONValue])
    case object([Member])

    struct Member: Sendable, Equatable {
        let name: String
        let value: JSONValue
    }

    static func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object(members.map { Member(name: $0.key, value: $0.value) })
    }

    /// The same object with more members behind its own.
    func adding(_ name: String, _ value: JSONValue?) -> JSONValue {
        guard let value, case .object(let members) = self else { return self }
        return .object(members + [Member(name: name, value: value)])
    }

    /// Indented by two spaces, with a line end behind the document.
    var text: String {
        var out = ""
        write(into: &out, indent: 0)
        return out + "\n"
    }

    private func write(into out: inout String, indent: Int) {
        switch self {
        case .string(let text): JSONValue.quote(text, into: &out)
        case .integer(let number): out += String(number)
        case .boolean(let flag): out += flag ? "true" : "false"
        case .array(let items):
            JSONValue.lines(items, "[", "]", into: &out, indent: indent) { item, out in
                item.write(into: &out, indent: indent + 1)
            }
        case .object(let members):
            JSONValue.lines(members, "{", "}", into: &out, indent: indent) { member, out in
                JSONValue.quote(member.name, into: &out)
                out += ": "
                member.value.write(into: &out, indent: indent + 1)
            }
        }
    }

    private static func lines<Item>(
        _ items: [Item], _ open: String, _ close: String, into out: inout String, indent: Int,
        write: (Item, inout String) -> Void
    ) {
        out += open
        for (index, item) in items.enumerated() {
            out += index == 0 ? "\n" : ",\n"
            out += String(repeating: "  ", count: indent + 1)
            write(item, &out)
        }
        if !items.isEmpty { out += "\n" + String(repeating: "  ", count: indent) }
        out += close
    }

    /// Escapes as RFC 8259 §7 asks.
    static func quote(_ text: String, into out: inout String) {
        out += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        out += "\""
    }
}
