package import DeliveryPolicy
package import MailModel

/// The tables of `transport`, read. The first that names a domain decides.
package struct TransportTables: Sendable, Equatable {
    private var tables: [TransportTable] = []
    package private(set) var warnings: [ConfigurationIssue] = []

    package init() {}

    package var count: Int { tables.reduce(0) { $0 + $1.count } }

    package func action(for domain: Domain) -> TransportAction? {
        for table in tables {
            if let action = table.action(for: domain) { return action }
        }
        return nil
    }

    /// Reads all files. What is wrong in any of them is told at once; nothing is used then.
    package static func load(_ configuration: NodeConfiguration) throws(ConfigurationError) -> TransportTables {
        let limits = configuration.ingress.tables
        var loader = TableLoader(fileLimit: limits.fileLimit, entryLimit: limits.entryLimit)
        var result = TransportTables()
        result.tables = loader.tables(configuration.transport) {
            TransportTable.read($0, entryLimit: limits.entryLimit)
        }
        guard loader.errors.isEmpty else { throw ConfigurationError(issues: loader.errors) }
        result.warnings = loader.warnings
        return result
    }
}
