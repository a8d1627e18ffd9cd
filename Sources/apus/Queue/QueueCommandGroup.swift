import ArgumentParser
import Foundation
import MailModel
import Spool

struct QueueCommandGroup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "Shows queued messages and acts on them.",
        subcommands: [
            QueueListCommand.self, QueueShowCommand.self, QueueRetryCommand.self, QueueFailCommand.self,
            QueueDropCommand.self, QueueHoldCommand.self, QueueReleaseCommand.self, QueueRerouteCommand.self,
        ])
}

/// Filters that choose queued messages; a message has to match all that are given.
struct QueueFilters: ParsableArguments {
    @Option(help: "Destination domain.")
    var domain: String?
    @Option(help: "Site: the MX set or relay host that the mail goes to.")
    var site: String?
    @Option(help: "Tenant.")
    var tenant: String?
    @Option(help: "Campaign.")
    var campaign: String?
    @Option(help: "Pool of sources.")
    var pool: String?
    @Option(help: "State: ready, attempting, scheduled, parked, held or suspended.")
    var state: String?

    func validate() throws {
        if let state, !QueueSelector.states.contains(state) {
            throw ValidationError("--state \(state): must be one of \(QueueSelector.states.joined(separator: ", "))")
        }
        if let domain, Domain(normalizing: domain) == nil { throw ValidationError("--domain \(domain): not a domain") }
    }

    var query: [URLQueryItem] {
        [
            ("domain", domain), ("site", site), ("tenant", tenant), ("campaign", campaign), ("pool", pool),
            ("state", state),
        ]
        .compactMap { name, value in value.map { URLQueryItem(name: name, value: $0) } }
    }

    var selector: QueueSelector {
        var selector = QueueSelector()
        selector.domain = domain.flatMap { Domain(normalizing: $0)?.name }
        selector.site = site
        selector.tenant = tenant
        selector.campaign = campaign
        selector.pool = pool
        selector.state = state
        return selector
    }

    var isEmpty: Bool { query.isEmpty }
}

/// Reads a queue ID from the command line.
func queueID(_ text: String) throws -> QueueID {
    guard let id = QueueID(text) else {
        throw ValidationError("\(text) is not a queue ID: 26 letters and digits, as in \"queued as …\"")
    }
    return id
}
