import MailModel
import NodeRuntime
import Testing

@Suite struct ConfigurationLimitTests {
    private func message(_ text: String) -> String {
        do {
            _ = try NodeConfiguration.parse(text: text, file: "x.yaml", hostName: Files.host)
            return "accepted"
        } catch {
            return error.description
        }
    }

    @Test func size() {
        #expect(message("# " + String(repeating: "x", count: 1_000_000)).contains("larger than 1 MB"))
    }

    @Test(arguments: [20, 900, 5000])
    func nesting(depth: Int) {
        let text = "routes: " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let said = message(text)
        #expect(said.contains("nested deeper") || said.contains("not YAML"), "\(said)")
    }

    @Test func blockNesting() {
        let said = message((0..<400).map { String(repeating: " ", count: $0) + "a:\n" }.joined())
        #expect(said.contains("nested deeper") || said.contains("not YAML"), "\(said)")
    }

    @Test func aliasesMultiply() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let uses = repeatElement("*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(uses)]\n"
        }
        #expect(message(text).contains("aliases"))
    }

    @Test func fewAliasesOfMuch() {
        let items = repeatElement("x", count: 40_000).joined(separator: ",")
        #expect(message("a: &a [\(items)]\nb: *a\nc: *a\nd: *a\n").contains("larger than 100000 values"))
    }

    @Test func aliasesWork() throws {
        let text = """
            ingress:
              listeners:
                - {address: 127.0.0.1:25, relay_from: &nets [10.0.0.0/8]}
                - {address: 127.0.0.1:26, relay_from: *nets}
            """
        let configuration = try NodeConfiguration.parse(text: text, file: "x.yaml", hostName: Files.host)
        #expect(configuration.ingress.listeners[1].relayFrom.map(\.description) == ["10.0.0.0/8"])
    }

    @Test func patternsAreNoAliases() throws {
        let routes = (0..<40).map { "  \"*.d\($0).test\": {mx: true}\n" }.joined()
        let configuration = try NodeConfiguration.parse(text: "routes:\n" + routes, file: "x", hostName: Files.host)
        #expect(configuration.routes.entries.count == 40)
    }
}
