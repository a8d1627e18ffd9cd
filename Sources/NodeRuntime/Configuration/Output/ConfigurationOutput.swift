/// Texts made from the table of keys.
enum ConfigurationOutput {
    static func schema(_ root: JSONValue) -> String {
        guard case .object(let members) = root else { return root.text }
        let head = [
            JSONValue.Member(name: "$schema", value: .string("https://json-schema.org/draft/2020-12/schema")),
            JSONValue.Member(name: "title", value: .string("Apus configuration")),
        ]
        return JSONValue.object(head + members).text
    }

    /// A table in Markdown for each top-level key.
    static func reference(_ rows: [ReferenceRow]) -> String {
        var text = """
            # Configuration of Apus

            One YAML file, UTF-8, up to 1 MB. Sizes are written as `50MB` (50,000,000) or `64KiB` (65,536), durations as
            `50ms`, `30s`, `5m`, `2h`, `5d`, rates as `100/s`, `100/m`, `5000/h`, `20000/d`. Unknown keys are errors.
            Names in capitals are yours to choose; `[]` is an entry of a list.

            """
        var section = ""
        for row in rows {
            let top = String(row.key.prefix { $0 != "." && $0 != "[" })
            if top != section {
                section = top
                text += "\n## \(top)\n\n| key | allowed | default | meaning |\n|---|---|---|---|\n"
            }
            let cells = ["`\(row.key)`", row.allowed, row.defaultText, row.doc]
            text += "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n"
        }
        return text
    }
}
