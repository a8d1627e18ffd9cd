import Foundation
import NodeRuntime
import Testing

@Suite struct ConfigurationOutputTests {
    private func schema() throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(NodeConfiguration.jsonSchema.utf8)) as? [String: Any])
    }

    private func property(_ path: String...) throws -> [String: Any] {
        var node = try schema()
        for name in path {
            let next: Any? = name == "[]" ? node["items"] : (node["properties"] as? [String: Any])?[name]
            node = try #require(next as? [String: Any], "\(name)")
        }
        return node
    }

    @Test func schemaIsJSONOfItsDraft() throws {
        #expect(try schema()["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
        #expect(try schema()["additionalProperties"] as? Bool == false)
    }

    @Test func schemaHasTypesAndRanges() throws {
        #expect(try property("sender", "port")["maximum"] as? Int == 65_535)
        #expect(try property("sender", "tls")["enum"] as? [String] == ["opportunistic", "none", "required"])
        #expect(try property("ingress", "listeners", "[]", "tls_on_connect")["type"] as? String == "boolean")
        #expect(try property("sender", "lifetime")["description"] as? String ?? "" ~= "Default: 5d")
        let sources = try property("sender", "sources")["additionalProperties"] as? [String: Any]
        #expect(sources?["required"] as? [String] == ["address"])
    }

    /// Judged by another implementation of the drafts, where Python has one.
    @Test(.enabled(if: python("import jsonschema, yaml") == 0))
    func examplesFitTheSchema() throws {
        let directory = try Files.temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let schema = directory.path + "/schema.json"
        try Data(NodeConfiguration.jsonSchema.utf8).write(to: URL(filePath: schema))
        let check = """
            import json, sys, yaml, jsonschema
            v = jsonschema.Draft202012Validator
            s = json.load(open(sys.argv[1])); v.check_schema(s)
            sys.exit(0 if v(s).is_valid(yaml.safe_load(open(sys.argv[2]))) else 3)
            """
        for name in ["apus.yaml", "relay-bench.yaml"] {
            #expect(python(check, schema, Files.path(name)) == 0, "\(name)")
        }
        let wrong = [
            "nod: a", "sender: {port: 0}", "sender: {lifetime: 5}", "sender: {tls: x}", "ingress: {domains: a}",
        ]
        for text in wrong {
            let file = directory.path + "/wrong.yaml"
            try Data(text.utf8).write(to: URL(filePath: file))
            #expect(python(check, schema, file) == 3, "\(text)")
        }
    }

    @Test func referenceNamesEveryKeyOfTheSchema() throws {
        let reference = NodeConfiguration.reference
        var keys: [String] = []
        func collect(_ node: [String: Any], _ prefix: String) {
            for (name, value) in node["properties"] as? [String: Any] ?? [:] {
                guard let child = value as? [String: Any] else { continue }
                let isSection = child["properties"] != nil
                if !isSection { keys.append(prefix + name) }
                collect(child, prefix + name + ".")
                if let items = child["items"] as? [String: Any] { collect(items, prefix + name + "[].") }
            }
        }
        collect(try schema(), "")
        #expect(keys.count > 100)
        for key in keys { #expect(reference.contains("| `\(key)` |"), "\(key)") }
        #expect(reference.contains("| `sender.lifetime` | 1m…30d | 5d |"))
        #expect(reference.contains("| `sender.sources.SOURCE.address` |"))
    }
}

/// - Returns: The exit code, or `nil` without Python.
private func python(_ script: String, _ arguments: String...) -> Int32? {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script] + arguments
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }  // no Python: the test is skipped
    process.waitUntilExit()
    return process.terminationStatus
}

private func ~= (text: String, part: String) -> Bool { text.contains(part) }
