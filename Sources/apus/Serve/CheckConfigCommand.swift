import ArgumentParser
import DeliveryPolicy
import NodeRuntime

struct CheckConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Checks a configuration file without starting anything.",
        discussion: "Without FILE: --config, APUS_CONFIG, ./apus.yaml, /etc/apus/apus.yaml, in this order.")

    @Argument(help: "The file to check.")
    var file: String?

    @Option(help: "The file to check; the same as FILE.")
    var config: String?

    @Flag(help: "Print the JSON Schema of configuration files instead, for editors.")
    var schema = false

    @Flag(help: "Print all keys with their types, defaults and meaning instead, as Markdown.")
    var reference = false

    func run() async throws {
        if schema { return say(NodeConfiguration.jsonSchema) }
        if reference { return say(NodeConfiguration.reference) }
        let (configuration, location) = try Exit.load(file ?? config)
        switch location {
        case .file(let path):
            say("\(path): good; node \(configuration.node)")
            try checkTables(configuration)
            if let bounces = configuration.sender.bounces { say("\(bounces.file): good; \(bounces.rules.count) rules") }
        case .defaults: say("no configuration file was found; the defaults apply")
        }
    }

    private func checkTables(_ configuration: NodeConfiguration) throws {
        let (tables, transports): (IngressTables, TransportTables)
        do throws(ConfigurationError) {
            tables = try IngressTables.load(configuration.ingress)
            transports = try TransportTables.load(configuration)
        } catch {
            throw Exit.saying("\(error)", Exit.configuration)
        }
        for warning in tables.warnings + transports.warnings { ToolFile.standardError.say("warning: \(warning)") }
        if tables.furtherWarnings > 0 { ToolFile.standardError.say("warning: \(tables.furtherWarnings) more") }
        let count = tables.count + transports.count
        if count > 0 { say("tables: good; \(count) entries") }
    }
}
