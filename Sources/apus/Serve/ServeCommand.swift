import ArgumentParser
import DNSClient
import Ingress
import LocalSpool
import Logging
import NIOPosix
import NodeRuntime
import Sender
import ServiceLifecycle
import Spool

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Runs a node until SIGTERM or SIGINT.",
        discussion: """
            SIGHUP reads the configuration again; a file that is wrong changes nothing.
            The first signal stops in order: ingress takes nothing more, attempts under way end, outcomes are committed.
            The second one stops at once; nothing accepted is lost either way.
            """)

    enum Role: String, CaseIterable, ExpressibleByArgument { case ingress, sender }

    @Option(help: "Configuration file; else APUS_CONFIG, ./apus.yaml, /etc/apus/apus.yaml.")
    var config: String?

    @Option(help: "Play only this role; may be repeated. Without it the node plays all.")
    var role: [Role] = []

    func run() async throws {
        let (configuration, location) = try Exit.load(config)
        configuration.log.bootstrap()
        let logger = Logger(label: "node")
        if location == .defaults { logger.notice("no configuration file was found; the defaults apply") }
        let roles = Set(role.isEmpty ? Role.allCases : role)
        do {
            try await Node(configuration, at: location, roles: roles, logger: logger).run()
        } catch let error as SpoolError {
            throw Exit.saying("\(error)", Exit.code(of: error))
        } catch {
            throw Exit.saying("\(error)", Exit.configuration)
        }
    }
}
